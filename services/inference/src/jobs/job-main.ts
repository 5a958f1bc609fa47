/** The process of one job. job-process.ts starts it, and it ends with its job. */
import { writeFileSync } from "node:fs";
import { evaluate } from "./evaluate.ts";
import { importExport } from "./import-export.ts";
import { inspect } from "./inspect.ts";
import type { JobMessage, JobTask } from "./job-task.ts";

const tell = (message: JobMessage) =>
  new Promise<void>((resolve) => process.send!(message, undefined, undefined, () => resolve()));

// When memory is short, the system should end this process first, not one that serves.
try {
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Not on Linux.
}
// The worker has ended: end this process too, with the group that it leads, including ffmpeg.
process.once("disconnect", () => process.kill(-process.pid, "SIGKILL"));
process.once("message", async (task: JobTask) => {
  try {
    await tell({ kind: "done", outcome: await run(task) });
  } catch (error) {
    await tell({ kind: "failed", message: (error as Error).message.slice(0, 3_000) });
  }
  process.exit(0);
});
await tell({ kind: "ready" });

function run(task: JobTask) {
  if (task.kind === "import") return importExport(task);
  if (task.kind === "inspect")
    return inspect(task.folder, task.model, task.version).then((inspection) => ({
      kind: "inspect" as const,
      inspection,
    }));
  return evaluate(task, (done, total) => void tell({ kind: "progress", done, total }));
}
