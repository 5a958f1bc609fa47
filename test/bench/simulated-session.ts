/** A session's thread that takes a fixed time of a device for each frame and finds nothing. Sessions of one device have it one after the other. */
import { workerData } from "node:worker_threads";
import { monotonicMs } from "@sightline/service/clock";
import { serveSession } from "../../services/inference/src/serve-session.ts";
import type {
  BatchRun,
  RunRequest,
  SessionInfo,
  SessionSettings,
} from "../../services/inference/src/session-messages.ts";

export interface SimulatedSettings extends SessionSettings {
  /** Milliseconds of each frame. */
  frameMs: number;
  device: SharedArrayBuffer;
}

/** What sessions share: whether one has the device, and what was run. */
export class SimulatedDevice {
  readonly memory: SharedArrayBuffer;
  readonly #taken: Int32Array;
  readonly #never: Int32Array;
  readonly #counts: Float64Array;

  constructor(memory = new SharedArrayBuffer(32)) {
    this.memory = memory;
    this.#taken = new Int32Array(memory, 0, 1);
    this.#never = new Int32Array(memory, 4, 1);
    this.#counts = new Float64Array(memory, 8, 3);
  }

  /** Runs so many frames for `ms`, once it is free. Blocks the thread. */
  run(frames: number, ms: number): void {
    while (Atomics.compareExchange(this.#taken, 0, 0, 1) !== 0) Atomics.wait(this.#taken, 0, 1);
    const begin = monotonicMs();
    Atomics.wait(this.#never, 0, 0, ms);
    const counts = this.#counts;
    counts[0]! += frames;
    counts[1]! += 1;
    counts[2]! += monotonicMs() - begin;
    Atomics.store(this.#taken, 0, 0);
    Atomics.notify(this.#taken, 0, 1);
  }

  get counts(): { frames: number; runs: number; busyMs: number } {
    const [frames, runs, busyMs] = this.#counts;
    return { frames: frames!, runs: runs!, busyMs: busyMs! };
  }
}

if (workerData?.device) {
  const { frameMs, device, frameFormat } = workerData as SimulatedSettings;
  const simulated = new SimulatedDevice(device);
  await serveSession<{ stop(): Promise<void> }, SessionInfo, RunRequest, BatchRun>({
    open: async () => ({ stop: async () => undefined }),
    ready: async () => ({
      engine: { provider: "cpu", precision: "fp32", encoding: "fp32", path: "", digest: "0" },
      refusals: [],
      pixelFormat: frameFormat === "i420" ? "i420" : "gbrp",
      arithmetic: "exact",
      curve: [],
    }),
    async answer(_session, { frames }) {
      const startedAt = monotonicMs();
      simulated.run(frames, frames * frameMs);
      const [boxes, scores] = [new Float32Array(0), new Float32Array(0)];
      const outputs = { batch: frames, candidates: 0, classCount: 1, boxes, scores };
      return { answer: { outputs, startedAt, runMs: monotonicMs() - startedAt }, transfer: [] };
    },
  });
}
