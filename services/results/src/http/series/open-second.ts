import { type FrameDetections, fromTimestamp, type StageTimings } from "@sightline/contracts";

/** The stages of a frame's way, in order. `deliver` is what the frame's own timings do not account for. */
export const stageNames = ["decode", "queue", "batch", "infer", "post", "track", "deliver"] as const;

const timingFields: (keyof StageTimings)[] = [
  "decodeUs",
  "queueUs",
  "batchUs",
  "inferUs",
  "postUs",
  "trackUs",
];

/** Most frames of one second of which the latency is kept; no camera gives as many. */
const maxFrames = 1_000;

/** The frames of one second of one camera while it lasts. Times are milliseconds. */
export class OpenSecond {
  readonly second: number;
  readonly #latencies: number[] = [];
  readonly #stageSums: number[] = stageNames.map(() => 0);
  #offset = Number.POSITIVE_INFINITY;
  #tracks = 0;

  constructor(second: number) {
    this.second = second;
  }

  /** A frame is delivered at `now`. */
  add(event: FrameDetections, now: number): void {
    const { frame, timings, detections } = event;
    this.#tracks = new Set(detections.flatMap(({ trackId }) => trackId || [])).size;
    if (!frame?.captureTime || this.#latencies.length >= maxFrames) return;
    const latency = now - fromTimestamp(frame.captureTime);
    const stages = timingFields.map((field) => (timings?.[field] ?? 0) / 1000);
    const unexplained = latency - stages.reduce((sum, stage) => sum + stage, 0);
    this.#offset = Math.min(this.#offset, unexplained);
    this.#latencies.push(Math.max(0, latency));
    for (const [index, stage] of [...stages, Math.max(0, unexplained)].entries())
      this.#stageSums[index]! += stage;
  }

  /** Capture to delivery of each of its frames. */
  get latencies(): readonly number[] {
    return this.#latencies;
  }

  get tracks(): number {
    return this.#tracks;
  }

  /** Least of the time between capture and delivery that no stage accounts for; NaN without frames. Clocks that differ show here. */
  get offset(): number {
    return this.#latencies.length === 0 ? Number.NaN : this.#offset;
  }

  /** Mean of each stage. */
  stageMeans(): number[] {
    return this.#stageSums.map((sum) => sum / Math.max(1, this.#latencies.length));
  }
}

/** p50, p95 and p99, nearest rank; NaN without values. */
export function percentiles(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.5, 0.95, 0.99].map((p) => sorted[Math.ceil(p * sorted.length) - 1] ?? Number.NaN);
}
