/** Entry of a second stage's thread. */
import { workerData } from "node:worker_threads";
import { monotonicMs } from "@sightline/service/clock";
import type { ClassifierAttribute } from "@sightline/yolo-nas";
import { ClassifierSession } from "@sightline/yolo-nas/session";
import { serveSession } from "./serve-session.ts";

/** The start settings of a second stage's thread. */
export interface SecondStageSettings {
  path: string;
  attributes: readonly ClassifierAttribute[];
  threads: number;
}

/** To the thread: classify these objects of a frame. */
export interface SecondStageRequest {
  /** The frame's planes. */
  pixels: SharedArrayBuffer;
  frame: { width: number; height: number };
  /** x1, y1, x2, y2 of each object, in pixels of the frame. */
  boxes: Float32Array;
}

/** The result. */
export interface SecondStageAnswer {
  /** For each attribute the probabilities of its values, object after object. */
  probabilities: Float32Array[];
  runMs: number;
}

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
