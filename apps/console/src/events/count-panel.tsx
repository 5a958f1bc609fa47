import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { countEvents, type EventFilter } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { SelectField } from "../shell/field.tsx";
import { formatCount, formatDuration } from "../words/numbers-and-times.ts";
import { type Counting, type CountRow, countCsv, countings, countRows } from "./count-rows.ts";

const dayMs = 24 * 3_600_000;
const spans = [
  ["1", "Last 24 hours"],
  ["7", "Last 7 days"],
  ["30", "Last 30 days"],
] as const;

/** Number of events as a chart with a table behind it; closed until the user opens it. */
export function CountPanel({ filter }: { filter: EventFilter }) {
  const isOpen = useSignal(false);
  return (
    <details class="panel counts" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>Counts</summary>
      {isOpen.value && <Counts filter={filter} />}
    </details>
  );
}

function Counts({ filter }: { filter: EventFilter }) {
  const days = useSignal("1");
  const counting = useSignal<Counting>("hour");
  const rows = useSignal<readonly CountRow[] | undefined>(undefined);
  const fault = useSignal("");
  const { camera, type, class: className, zone } = filter;

  useEffect(() => {
    const aborted = new AbortController();
    const toMs = Date.now();
    const fromMs = toMs - Number(days.value) * dayMs;
    const by = countings.find(([name]) => name === counting.value)![2];
    rows.value = undefined;
    fault.value = "";
    countEvents(filter, fromMs, by, aborted.signal).then(
      ({ counts }) => (rows.value = countRows(counts, counting.value, fromMs, toMs)),
      (error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      },
    );
    return () => aborted.abort();
  }, [camera, type, className, zone, days.value, counting.value]);

  const label = countings.find(([name]) => name === counting.value)![1];
  return (
    <>
      <div class="filters">
        <SelectField
          label="Time"
          value={days.value}
          options={spans}
          onChange={(value) => (days.value = value)}
        />
        <SelectField
          label="Counted by"
          value={counting.value}
          options={countings.map(([name, shown]) => [name, shown] as const)}
          onChange={(value) => (counting.value = value as Counting)}
        />
      </div>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
      {!rows.value && fault.value === "" && (
        <p class="note" role="status">
          Counting …
        </p>
      )}
      {rows.value && <CountChart rows={rows.value} counting={counting.value} label={label} />}
      <p class="note">Camera, what, class and zone narrow it; words, score, seconds and review do not.</p>
    </>
  );
}

interface ChartProps {
  rows: readonly CountRow[];
  counting: Counting;
  label: string;
}

function CountChart({ rows, counting, label }: ChartProps) {
  const most = Math.max(1, ...rows.map(({ events }) => events));
  const all = rows.reduce((sum, { events }) => sum + events, 0);
  const best = rows.find(({ events }) => events === most);
  const summary = `Events by ${label.toLowerCase()}: ${formatCount(all)} in all${best ? `, most ${best.name} with ${formatCount(best.events)}` : ""}. The numbers are in the table.`;
  const csv = `data:text/csv;charset=utf-8,${encodeURIComponent(countCsv(rows, counting))}`;
  if (all === 0) return <p class="note">No such events in this time.</p>;
  return (
    <>
      <svg
        class="count-chart"
        role="img"
        aria-label={summary}
        viewBox={`0 0 ${rows.length * 10} 100`}
        preserveAspectRatio="none"
      >
        {rows.map(({ name, events }, index) => (
          <rect
            key={name}
            x={index * 10 + 1}
            y={100 - (events / most) * 100}
            width={8}
            height={(events / most) * 100}
          >
            <title>{`${name}: ${formatCount(events)}`}</title>
          </rect>
        ))}
      </svg>
      <p class="note count-ends">
        <span>{rows[0]?.name}</span>
        <span>highest bar: {formatCount(most)}</span>
        <span>{rows.at(-1)?.name}</span>
      </p>
      <div class="buttons">
        <a class="button" href={csv} download={`events-by-${counting}.csv`}>
          Save as CSV
        </a>
      </div>
      <details>
        <summary>Table</summary>
        <table class="data" data-testid="counts">
          <thead>
            <tr>
              <th scope="col">{label}</th>
              <th scope="col">Events</th>
              <th scope="col">Lasted in all</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, events, seconds }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{formatCount(events)}</td>
                <td class="number">{seconds > 0 ? formatDuration(seconds) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
