import { useSignal } from "@preact/signals";
import type { AuditRecordJson } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { type AuditFilter, listAudit } from "../api/access-calls.ts";
import { DataTable } from "../shell/data-table.tsx";
import { TextField } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { useAction } from "../state/use-request.ts";
import { words } from "../words/names.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";

/** Who did what, newest first. */
export function AuditList() {
  const filter = useSignal<AuditFilter>({ user: "", action: "" });
  const records = useSignal<readonly AuditRecordJson[] | undefined>(undefined);
  const nextPage = useSignal("");
  const { busy, fault, run } = useAction();
  const load = (pageToken: string, signal?: AbortSignal) =>
    run(async () => {
      const page = await listAudit(filter.peek(), pageToken, signal);
      if (signal?.aborted) return;
      records.value = pageToken === "" ? page.records : [...(records.peek() ?? []), ...page.records];
      nextPage.value = page.nextPageToken ?? "";
    });
  useEffect(() => {
    const aborted = new AbortController();
    // While a name is being typed, there is no request for every letter.
    const timer = setTimeout(() => void load("", aborted.signal), records.peek() ? 300 : 0);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  }, [filter.value]);
  const list = records.value;
  return (
    <section class="panel" aria-labelledby="audit-title">
      <h2 id="audit-title">Audit trail</h2>
      <search class="filters" aria-label="Which records">
        <TextField
          label="User"
          value={filter.value.user}
          maxLength={63}
          onChange={(user) => (filter.value = { ...filter.value, user: user.trim() })}
        />
        <TextField
          label="Action"
          value={filter.value.action}
          maxLength={63}
          onChange={(action) => (filter.value = { ...filter.value, action: action.trim() })}
        />
      </search>
      <Fault text={fault.value}>
        <button type="button" onClick={() => void load("")}>
          Try again
        </button>
      </Fault>
      {list?.length === 0 && <p class="note">There is no record.</p>}
      {list && list.length > 0 && (
        <DataTable
          label="Table of records"
          testId="audit"
          columns={["Time", "User", "Action", "Of", "Outcome", "From", "More"]}
        >
          {list.map((record, index) => (
            <tr key={`${record.time} ${index}`}>
              <th scope="row">{formatFullTime(record.time)}</th>
              <td data-label="User">{record.user}</td>
              <td data-label="Action">{words(record.action)}</td>
              <td data-label="Of" class="breaks">
                {record.target}
              </td>
              <td data-label="Outcome">{words(record.outcome)}</td>
              <td data-label="From">{record.address}</td>
              <td data-label="More" class="breaks">
                {record.detail}
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      {nextPage.value !== "" && (
        <button type="button" disabled={busy.value} onClick={() => void load(nextPage.value)}>
          Older records
        </button>
      )}
    </section>
  );
}
