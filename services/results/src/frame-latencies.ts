import { type FrameDetections, fromTimestamp, type StageTimings } from "@sightline/contracts";
import type { ServerClock } from "@sightline/service";

/** What a frame's own timings account for, in the order of its way. */
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
  /** How far the clock of the camera's ingest is behind that of the NATS server, in milliseconds. */
  clockOffsetMs: number;
}

/**
 * Tells how old frames are when they are delivered: the sum of their stages, each of which was measured by one host on
 * its monotonic clock or between two time stamps of the NATS server. So it does not matter what the wall clocks of the
 * hosts say.
 */
export class FrameLatencies {
  readonly #clock: Pick<ServerClock, "ageMs">;

  constructor(clock: Pick<ServerClock, "ageMs">) {
    this.#clock = clock;
  }

  /** The age of a frame that is delivered now and was stored at `storedAt`, by the server; undefined when it has no capture time. */
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
