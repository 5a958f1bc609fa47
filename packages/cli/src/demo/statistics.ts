import { cameraIdOf, type FrameDetections, fromTimestamp, type Inference } from "@sightline/contracts";

/** In milliseconds between captures: a shorter time gives no reliable rate. */
const leastMs = 1_000;
const stages = ["decode", "queue", "batch", "infer", "post", "track", "deliver"] as const;
type Stage = (typeof stages)[number];

interface CameraStatistics {
  frames: number;
  detections: number;
  /** Capture times of the first and the newest frame. */
  firstAt: number;
  lastAt: number;
  latencies: number[];
  last: FrameDetections;
}

/** What a subscriber received: frames and detections per camera, and how each frame's time was spent, in milliseconds. */
export class Statistics {
  readonly cameras = new Map<string, CameraStatistics>();
  inference: Inference | undefined;
  readonly #totals: number[] = [];
  readonly #stages: Record<Stage, number[]> = Object.fromEntries(stages.map((s) => [s, []])) as never;

  /** Adds one frame's event; `receivedAt` is the wall clock in milliseconds. */
  record(event: FrameDetections, receivedAt: number): void {
    const { frame, timings } = event;
    const id = frame && cameraIdOf(frame.camera);
    if (!frame?.captureTime || !id || !timings) return;
    const capturedAt = fromTimestamp(frame.captureTime);
    const total = receivedAt - capturedAt;
    const parts = {
      decode: timings.decodeUs / 1000,
      queue: timings.queueUs / 1000,
      batch: timings.batchUs / 1000,
      infer: timings.inferUs / 1000,
      post: timings.postUs / 1000,
      track: timings.trackUs / 1000,
    };
    const known = Object.values(parts).reduce((sum, part) => sum + part, 0);
    for (const [stage, part] of Object.entries({ ...parts, deliver: Math.max(0, total - known) }))
      this.#stages[stage as Stage].push(part);
    this.#totals.push(total);
    this.inference = event.inference;
    const camera = this.cameras.get(id);
    if (!camera) {
      this.cameras.set(id, {
        frames: 1,
        detections: event.detections.length,
        firstAt: capturedAt,
        lastAt: capturedAt,
        latencies: [total],
        last: event,
      });
      return;
    }
    camera.frames++;
    camera.detections += event.detections.length;
    camera.lastAt = Math.max(camera.lastAt, capturedAt);
    camera.latencies.push(total);
    camera.last = event;
  }

  /**
   * Frames per second that reached the subscriber, by their capture times: the first ones often arrive all at once, after waiting for the
   * model. 0 until they cover a second: two consecutive frames do not give a rate.
   */
  fps(id: string): number {
    const camera = this.cameras.get(id);
    if (!camera || camera.lastAt - camera.firstAt < leastMs) return 0;
    return Math.round(((camera.frames - 1) / (camera.lastAt - camera.firstAt)) * 1e5) / 100;
  }

  latency(): Percentiles & { stages: Record<Stage, Percentiles> } {
    const byStage = Object.fromEntries(
      stages.map((stage) => [stage, roundedPercentiles(this.#stages[stage])]),
    );
    return { ...roundedPercentiles(this.#totals), stages: byStage as Record<Stage, Percentiles> };
  }
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Nearest-rank percentiles of `values`, rounded to two decimals; zeros when there are none. */
export function roundedPercentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number) => Math.round((sorted[Math.ceil(q * sorted.length) - 1] ?? 0) * 100) / 100;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
