/** Entry of a second stage's thread. */
import { parentPort, workerData } from "node:worker_threads";
import { monotonicMs } from "@sightline/service/clock";
import { ClassifierSession } from "@sightline/yolo-nas/session";
import type { SecondStageMessage, SecondStageRequest, SecondStageSettings } from "./second-stage-messages.ts";
import { stopRequest } from "./session-stop.ts";

const { path, attributes, threads } = workerData as SecondStageSettings;

function send(message: SecondStageMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

async function look(
  session: ClassifierSession,
  { id, pixels, frame, boxes }: SecondStageRequest & { id: number },
): Promise<void> {
  try {
    const startedAt = monotonicMs();
    const probabilities = await session.run(new Uint8Array(pixels), frame, boxes);
    send(
      { kind: "done", id, probabilities, runMs: monotonicMs() - startedAt },
      probabilities.map(({ buffer }) => buffer as ArrayBuffer),
    );
  } catch (error) {
    send({ kind: "failed", id, message: (error as Error).message });
  }
}

let opened: ClassifierSession | undefined;
let stopping = false;
parentPort!.on("message", async (request) => {
  if (request !== stopRequest) return;
  stopping = true;
  await opened?.stop().catch(() => undefined);
  process.exit(0);
});
try {
  const session = await ClassifierSession.load(path, attributes, { threads });
  opened = session;
  // One at a time, in the order sent.
  let last = Promise.resolve();
  parentPort!.on("message", (request: (SecondStageRequest & { id: number }) | typeof stopRequest) => {
    if (request !== stopRequest) last = last.then(() => (stopping ? undefined : look(session, request)));
  });
  send({ kind: "ready" });
} catch (error) {
  send({ kind: "cannot-open", message: (error as Error).message });
}
