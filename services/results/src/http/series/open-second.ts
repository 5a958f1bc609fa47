import type { FrameDetections } from "@sightline/contracts";
import { type FrameLatency, timedStages } from "../../frame-latencies.ts";

/** The stages of a frame, in order. */
export const stageNames = [...timedStages, "deliver"] as const;

/** Most frames per second whose latency is kept; no camera sends as many. */
const maxFrames = 1_000;

/** The frames of one camera in the present second. Times are in milliseconds. */
export class OpenSecond {
  readonly second: number;
  readonly #latencies: number[] = [];
  readonly #stageSums: number[] = stageNames.map(() => 0);
  #offset = Number.POSITIVE_INFINITY;
  #tracks = 0;

  constructor(second: number) {
    this.second = second;
  }

  /** A frame was delivered. */
  add({ detections }: FrameDetections, latency: FrameLatency | undefined): void {
    this.#tracks = new Set(detections.flatMap(({ trackId }) => trackId || [])).size;
    if (!latency || this.#latencies.length >= maxFrames) return;
    this.#offset = Math.min(this.#offset, latency.clockOffsetMs);
    this.#latencies.push(latency.ms);
    for (const [index, stage] of [...latency.stagesMs, latency.deliverMs].entries())
      this.#stageSums[index]! += stage;
  }

  /** Latency from capture to delivery of each frame. */
  get latencies(): readonly number[] {
    return this.#latencies;
  }

  get tracks(): number {
    return this.#tracks;
  }

  /** By how much the clock of the camera's host is behind, at least; NaN without frames. */
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
