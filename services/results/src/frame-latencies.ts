import { type FrameDetections, fromTimestamp, type StageTimings } from "@sightline/contracts";
import type { ServerClock } from "@sightline/service";

/** Stages in a frame's own timings, in order. */
export const timedStages = ["decode", "queue", "batch", "infer", "post", "track"] as const;
const timingFields = timedStages.map((stage) => `${stage}Us` as const satisfies keyof StageTimings);

/** How old a frame is now. */
export interface FrameLatency {
  /** From its capture to now, in milliseconds. */
  ms: number;
  /** The time of each of `timedStages`, in milliseconds. */
  stagesMs: readonly number[];
  /** From the storing of the analysed frame to now, in milliseconds. */
  deliverMs: number;
  /** By how much the clock of the camera's ingest is behind that of the NATS server, in milliseconds. */
  clockOffsetMs: number;
}

/**
 * Calculates how old frames are at delivery: the sum of their stages. Each stage was measured by one host on its monotonic clock, or
 * between two time stamps of the NATS server. So the hosts' wall clocks do not matter.
 */
export class FrameLatencies {
  readonly #clock: Pick<ServerClock, "ageMs">;

  constructor(clock: Pick<ServerClock, "ageMs">) {
    this.#clock = clock;
  }

  /** The age of a frame that is delivered now; `storedAt` is the server's time when it was stored. Undefined when it has no capture time. */
  of({ frame, timings }: FrameDetections, storedAt: number): FrameLatency | undefined {
    if (!frame?.captureTime) return undefined;
    const stagesMs = timingFields.map((field) => (timings?.[field] ?? 0) / 1000);
    const deliverMs = Math.max(0, this.#clock.ageMs(storedAt));
    const ms = stagesMs.reduce((sum, stage) => sum + stage, deliverMs);
    return {
      ms,
      stagesMs,
      deliverMs,
      clockOffsetMs: this.#clock.ageMs(fromTimestamp(frame.captureTime)) - ms,
    };
  }
}
