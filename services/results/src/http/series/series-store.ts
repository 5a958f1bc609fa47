import {
  type CameraStatus,
  cameraIdOf,
  type FrameDetections,
  type HttpFigures,
  type HttpSample,
} from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";
import type { FrameLatencies } from "../../frame-latencies.ts";
import { CameraSeries, type SeriesSample, seriesSeconds } from "./camera-series.ts";
import { LedgerDifference } from "./ledger-difference.ts";

/** Ingest writes a ledger every second, so a second is complete one second after its end. */
const settledAfter = 2;
/** A clock that goes back by more than this was set. */
const setBackMs = 2_000;

/** The series of all registered cameras. */
export class SeriesStore {
  readonly #cameras = new Map<string, { series: CameraSeries; ledger: LedgerDifference }>();
  readonly #isRegistered: (camera: string) => boolean;
  readonly #latencies: FrameLatencies;
  readonly #clock: () => number;
  #lastNow = 0;

  /** `isRegistered` prevents a frame that arrives after its camera was removed from creating the series again. */
  constructor(
    isRegistered: (camera: string) => boolean,
    latencies: FrameLatencies,
    clock: () => number = wallClockMs,
  ) {
    this.#isRegistered = isRegistered;
    this.#latencies = latencies;
    this.#clock = clock;
  }

  /** A frame was delivered now; `storedAt` is the server's time when it was stored. */
  frame(event: FrameDetections, storedAt: number): void {
    const now = this.#now();
    this.#of(cameraIdOf(event.frame?.camera ?? ""))?.series.frame(
      event,
      now,
      this.#latencies.of(event, storedAt),
    );
  }

  /** Ingest has reported a camera's status. */
  status(camera: string, status: CameraStatus): void {
    const now = this.#now();
    const of = this.#of(camera);
    const grown = of?.ledger.next(status, now);
    if (grown) of?.series.grow(grown);
  }

  forget(camera: string): void {
    this.#cameras.delete(camera);
  }

  /** The last complete seconds of a camera, at most 900, oldest first; fewer when its data began later. */
  recent(camera: string, seconds: number): SeriesSample[] {
    return this.#cameras.get(camera)?.series.read(...this.#last(seconds)) ?? [];
  }

  /** Latencies of all frames in the last complete seconds of a camera, at most 16 seconds; null without frames. */
  latency(camera: string, seconds: number): HttpFigures["latencyMs"] {
    return this.#cameras.get(camera)?.series.latency(...this.#last(seconds)) ?? null;
  }

  /** The newest complete second of each camera. */
  newest(): Record<string, HttpSample> {
    const last = this.#newest();
    const samples: Record<string, HttpSample> = {};
    for (const [camera, { series }] of this.#cameras) {
      const [sample] = series.read(last, last);
      if (sample) samples[camera] = withoutOffset(sample);
    }
    return samples;
  }

  #last(seconds: number): [first: number, last: number] {
    const last = this.#newest();
    return [last - Math.min(seconds, seriesSeconds) + 1, last];
  }

  /** When the clock was set back, new seconds would be before the stored ones, so the stored ones are dropped. */
  #now(): number {
    const now = this.#clock();
    if (now < this.#lastNow - setBackMs) this.#cameras.clear();
    this.#lastNow = now;
    return now;
  }

  #newest(): number {
    return Math.floor(this.#now() / 1000) - settledAfter;
  }

  #of(camera: string | undefined) {
    if (camera === undefined) return undefined;
    const known = this.#cameras.get(camera);
    if (known || !this.#isRegistered(camera)) return known;
    const fresh = { series: new CameraSeries(), ledger: new LedgerDifference() };
    this.#cameras.set(camera, fresh);
    return fresh;
  }
}

/** A sample as the API shows it. */
export function withoutOffset({ offsetMs: _, ...sample }: SeriesSample): HttpSample {
  return sample;
}
