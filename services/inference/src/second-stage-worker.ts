/** Entry of a second stage's thread. */
import { workerData } from "node:worker_threads";
import { monotonicMs } from "@sightline/service/clock";
import { ClassifierSession } from "@sightline/yolo-nas/session";
import type { SecondStageAnswer, SecondStageRequest, SecondStageSettings } from "./second-stage-messages.ts";
import { serveSession } from "./serve-session.ts";

const { path, attributes, threads } = workerData as SecondStageSettings;

await serveSession<ClassifierSession, object, SecondStageRequest & { id: number }, SecondStageAnswer>({
  open: () => ClassifierSession.load(path, attributes, { threads }),
  ready: async () => ({}),
  async answer(session, { pixels, frame, boxes }) {
    const startedAt = monotonicMs();
    const probabilities = await session.run(new Uint8Array(pixels), frame, boxes);
    return {
      answer: { probabilities, runMs: monotonicMs() - startedAt },
      transfer: probabilities.map(({ buffer }) => buffer as ArrayBuffer),
    };
  },
});
