import { useSignal } from "@preact/signals";
import type { HttpShadow } from "@sightline/contracts";
import { deleteShadow, getShadow, shadowPicture, stopShadow } from "../api/model-calls.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { DataTable } from "../shell/data-table.tsx";
import { Fault } from "../shell/notices.tsx";
import { may } from "../state/auth.ts";
import { useAction, usePolled } from "../state/use-request.ts";
import { formatFullTime, formatMs, formatShare, plural } from "../words/numbers-and-times.ts";

interface Props {
  id: string;
  onChanged: () => void;
}

/** The result of one shadow, updated as it grows. */
export function ShadowReport({ id, onChanged }: Props) {
  const { value, fault, reload } = usePolled((signal) => getShadow(id, signal));
  const stopping = useAction();
  const deleting = useSignal(false);
  const shadow = value.value;
  if (!shadow) return <Fault text={fault.value} />;
  const dropped = shadow.workers.reduce((sum, worker) => sum + worker.dropped, 0);
  const stop = async () => {
    if (!(await stopping.run(() => stopShadow(id)))) return;
    reload();
    onChanged();
  };
  return (
    <section aria-labelledby="report-title" data-testid="shadow-report">
      <div class="panel-head">
        <h3 id="report-title">
          Report of {shadow.model} on {shadow.camera}
        </h3>
        {may("admin") && (
          <div class="buttons">
            {!shadow.endedTime && (
              <button type="button" disabled={stopping.busy.value} onClick={() => void stop()}>
                Stop the shadow
              </button>
            )}
            <button type="button" class="danger" onClick={() => (deleting.value = true)}>
              Delete the report
            </button>
          </div>
        )}
      </div>
      <Fault text={stopping.fault.value} />
      <p role="status">
        {stateWords(shadow)}: {plural(shadow.frames, "frame")} compared, {dropped} left out because a worker
        was busy
      </p>
      {shadow.workers
        .filter(({ message }) => message !== "")
        .map(({ worker, message }) => (
          <p key={worker} class="fault">
            Worker {worker}: {message}
          </p>
        ))}
      {shadow.cameraSide && shadow.shadowSide && <Sides shadow={shadow} />}
      {shadow.classes.length > 0 && <ClassTable shadow={shadow} />}
      {shadow.biggest.length > 0 && <Biggest shadow={shadow} />}
      {deleting.value && (
        <ConfirmDialog
          title="Delete this report?"
          yes="Delete"
          no="Keep"
          onConfirm={async () => {
            await deleteShadow(id);
            onChanged();
          }}
          onClose={() => (deleting.value = false)}
        >
          <p>Its pictures go too. A shadow that runs ends.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function Sides({ shadow }: { shadow: HttpShadow }) {
  const rows = [
    ["Runs", shadow.cameraSide!],
    ["Shadow", shadow.shadowSide!],
  ] as const;
  return (
    <dl class="facts">
      {rows.map(([name, side]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {side.model} {side.version} {side.precision.toUpperCase()}, {formatMs(side.meanRunMs)} a run of{" "}
            {side.meanBatch.toFixed(1)} ({formatMs(side.maxRunMs)} at most)
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ClassTable({ shadow }: { shadow: HttpShadow }) {
  const rows =
    shadow.classes.length > 1 ? [...shadow.classes, { ...shadow.total, class: "all" }] : shadow.classes;
  return (
    <DataTable label="Agreement by class" columns={["Class", "Agreement", "Both", "Gained", "Lost", "Score"]}>
      {rows.map((row) => (
        <tr key={row.class}>
          <th scope="row">{row.class}</th>
          <td class="number" data-label="Agreement">
            {formatShare(row.agreement)}
          </td>
          <td class="number" data-label="Both">
            {row.both}
          </td>
          <td class="number" data-label="Gained">
            {row.gained}
          </td>
          <td class="number" data-label="Lost">
            {row.lost}
          </td>
          <td class="number" data-label="Score">
            {row.both === 0
              ? "–"
              : `${row.meanScoreChange >= 0 ? "+" : ""}${row.meanScoreChange.toFixed(3)} (± ${row.meanScoreDistance.toFixed(3)})`}
          </td>
        </tr>
      ))}
    </DataTable>
  );
}

function Biggest({ shadow }: { shadow: HttpShadow }) {
  return (
    <>
      <h4>Biggest differences</h4>
      <ul class="shadow-frames">
        {shadow.biggest.map(({ id, captureTime, gained, lost, hasPicture }) => {
          const words = `${formatFullTime(captureTime)}: ${gained} gained, ${lost} lost`;
          return (
            <li key={id}>
              {hasPicture ? (
                <a href={shadowPicture(shadow.id, id)} target="_blank" rel="noreferrer">
                  <img src={shadowPicture(shadow.id, id)} alt={`Frame of ${words}`} loading="lazy" />
                </a>
              ) : (
                <p class="note">It has no picture.</p>
              )}
              <p class="note">{words}</p>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** Whether it runs, and what prevents it. */
export function stateWords({ endedTime, workers }: HttpShadow): string {
  if (endedTime) return "ended";
  if (workers.length === 0) return "waits for a frame";
  return workers.find(({ state }) => state !== "running")?.state ?? "running";
}
