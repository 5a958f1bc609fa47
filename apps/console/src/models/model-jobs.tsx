import { useSignal } from "@preact/signals";
import type { HttpModel, HttpModelJob } from "@sightline/contracts";
import { cancelJob, deleteJob } from "../api/model-calls.ts";
import { Fault } from "../shell/notices.tsx";
import { may } from "../state/auth.ts";
import { useAction } from "../state/use-request.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";
import { EvaluationForm } from "./evaluation-form.tsx";
import { ScoreTable } from "./score-table.tsx";
import { UploadForm } from "./upload-form.tsx";

interface Props {
  models: readonly HttpModel[];
  jobs: readonly HttpModelJob[];
  onChanged: () => void;
}

/** Uploads of models and their state. */
export function Uploads({ models, jobs, onChanged }: Props) {
  const imports = jobs.filter(({ kind }) => kind === "import");
  if (!may("admin") && imports.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="uploads-title">
      <h2 id="uploads-title">Uploads</h2>
      <p class="note">
        A worker recognises the file by its tensors, prepares it, and tries it out; then every worker has it.
      </p>
      {may("admin") && <UploadForm models={models} onSent={onChanged} />}
      <JobList jobs={imports} label="Uploads that were made" onChanged={onChanged} />
    </section>
  );
}

/** Versions scored on labelled clips. */
export function Evaluations({ models, jobs, onChanged }: Props) {
  const evaluations = jobs.filter(({ kind }) => kind === "evaluation");
  if (!may("admin") && evaluations.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="evaluations-title">
      <h2 id="evaluations-title">Evaluations</h2>
      <p class="note">
        A version, or two side by side, is scored on a clip with labels, on a worker's CPU with what cameras
        leave of it.
      </p>
      {may("admin") && <EvaluationForm models={models} onSent={onChanged} />}
      <JobList jobs={evaluations} label="Evaluations that were made" onChanged={onChanged} />
    </section>
  );
}

interface ListProps {
  jobs: readonly HttpModelJob[];
  label: string;
  onChanged: () => void;
}

function JobList({ jobs, label, onChanged }: ListProps) {
  const said = useSignal("");
  return (
    <>
      <p role="status" class="hidden">
        {said.value}
      </p>
      {jobs.length === 0 && <p class="note">None yet.</p>}
      {jobs.length > 0 && (
        <ul class="jobs" aria-label={label}>
          {jobs.map((job) => (
            <Job
              key={job.id}
              job={job}
              onChanged={(words) => {
                said.value = words;
                onChanged();
              }}
            />
          ))}
        </ul>
      )}
    </>
  );
}

const unfinished: readonly HttpModelJob["state"][] = ["uploading", "waiting", "running"];

function Job({ job, onChanged }: { job: HttpModelJob; onChanged: (said: string) => void }) {
  const { busy, fault, run } = useAction();
  const title = titleOf(job);
  const { id, state, message, done, total, imported, scores, faults } = job;
  const isOpen = unfinished.includes(state);
  return (
    <li class="job" data-testid={`job-${id}`} data-state={state}>
      <div class="panel-head">
        <h3 class="breaks">{title}</h3>
        {may("admin") && (
          <button
            type="button"
            disabled={busy.value}
            aria-label={`${isOpen ? "Cancel" : "Remove"} ${title}`}
            onClick={() =>
              void run(() => (isOpen ? cancelJob(id) : deleteJob(id))).then(
                (isDone) => isDone && onChanged(`${title}: ${isOpen ? "cancelled" : "removed"}.`),
              )
            }
          >
            {isOpen ? "Cancel" : "Remove"}
          </button>
        )}
      </div>
      <Fault text={fault.value} />
      <p class="note">
        {stateWords(job)}
        {job.createdTime && `, ${formatFullTime(job.createdTime)}`}
        {job.worker && (isOpen || state === "failed") && `, worker ${job.worker}`}
      </p>
      {state === "running" && total > 0 && (
        <progress aria-label={`Frames of ${title}`} value={done} max={total} />
      )}
      {state === "failed" && <p class="fault lines">{message}</p>}
      {imported && (
        <ul class="note">
          {imported.words.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      {scores.length > 0 && <ScoreTable scores={scores} label={title} />}
      {faults.map((words) => (
        <p key={words} class="note">
          {words}
        </p>
      ))}
    </li>
  );
}

function titleOf({ kind, model, isNew, models, files }: HttpModelJob): string {
  const file = files[0]?.fileName ?? "";
  if (kind === "import") return isNew ? `${file} as ${model}` : `${file} as a version of ${model}`;
  const names = models.map(({ model: name, version, precision }) =>
    [name, version, precision.toUpperCase()].filter((part) => part !== "").join(" "),
  );
  return `${names.join(" beside ")} on ${file}`;
}

function stateWords({ state, imported, done, total }: HttpModelJob): string {
  if (state === "uploading") return "Its files are being sent";
  if (state === "waiting") return "Waits for a worker";
  if (state === "running") return total > 0 ? `Frame ${done} of ${total}` : "A worker has it";
  if (state === "failed") return "Failed";
  if (state === "cancelled") return "Cancelled";
  return imported ? `Done: version ${imported.version}` : "Done";
}
