import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { limitedCommand } from "@sightline/media";
import { WorkerError } from "../errors.ts";
import type { JobMessage, JobTask } from "./job-task.ts";

/** Limits on what a job's process may use. */
export interface JobLimits {
  /** MiB of memory that it may write to. */
  memoryMib: number;
  minutes: number;
}

const main = fileURLToPath(new URL("./job-main.ts", import.meta.url));
/** Characters kept from the end of its standard error. */
const keptText = 2_000;

/**
 * Runs a task in a separate process: with the lowest priority, limits on memory and time, and without the service's
 * environment. If a model makes ONNX Runtime crash or hang, or a clip does so with ffmpeg, only that process is affected.
 * @throws WorkerError job_failed when it fails, crashes, or uses too much; the signal's reason when that aborts
 */
export async function runJobProcess(
  task: JobTask,
  { memoryMib, minutes }: JobLimits,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Extract<JobMessage, { kind: "done" }>["outcome"]> {
  signal.throwIfAborted();
  // Room for Node itself, which reserves far more addresses than it writes to.
  const [command, args] = limitedCommand(
    { path: "nice", memoryMib },
    ["-n", "19", process.execPath, "--disable-warning=ExperimentalWarning", main],
    { onlyWritten: true },
  );
  const child = spawn(command, args, {
    env: environment(),
    // A separate process group, so that ffmpeg, which it starts, ends with it.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const stop = () => endGroup(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, minutes * 60_000);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ended = await follow(child, task, onProgress);
    signal.throwIfAborted();
    if (ended.message?.kind === "done") return ended.message.outcome;
    if (ended.message) throw new WorkerError("job_failed", ended.message.message);
    throw new WorkerError(
      "job_failed",
      isLate
        ? `it took longer than ${minutes} minutes (SIGHTLINE_MODEL_JOB_MINUTES) and was ended`
        : crashWords(ended, memoryMib),
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
}

interface Ended {
  /** The last message of a process that ended by itself. */
  message?: Extract<JobMessage, { kind: "done" | "failed" }>;
  code: number | null;
  signal: NodeJS.Signals | null;
  text: string;
}

function follow(
  child: ChildProcess,
  task: JobTask,
  onProgress: (done: number, total: number) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let text = "";
    let last: Ended["message"];
    child.stderr!.setEncoding("utf8").on("data", (more: string) => {
      text = (text + more).slice(-keptText);
    });
    child.on("message", (message: JobMessage) => {
      if (message.kind === "ready") child.send(task, () => undefined);
      else if (message.kind === "progress") onProgress(message.done, message.total);
      else last = message;
    });
    child.once("error", (error) =>
      reject(
        new WorkerError("job_failed", `its process cannot be started: ${error.message}`, { cause: error }),
      ),
    );
    child.once("close", (code, signal) =>
      resolve({ ...(last ? { message: last } : {}), code, signal, text }),
    );
  });
}

/** Ends a process and everything it has started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of the group is left.
  }
}

/** Nothing from the service's environment: its settings may contain secrets. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, TMPDIR, LD_LIBRARY_PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, TMPDIR, LD_LIBRARY_PATH, NODE_COMPILE_CACHE };
}

function crashWords({ code, signal, text }: Ended, memoryMib: number): string {
  const how = signal ? `by ${signal}` : `with exit code ${code}`;
  if (/bad_alloc|out of memory|allocation fail|ENOMEM|Fatal process/i.test(text))
    return `its process ran out of the ${memoryMib} MiB of memory that it may have (SIGHTLINE_MODEL_JOB_MEMORY_MB)`;
  const line = text.trim().split("\n").at(-1)?.slice(0, 300);
  return `its process ended ${how}, as one does that a file makes crash; cameras and models are not touched${line ? `. Its last words: ${line}` : ""}`;
}
