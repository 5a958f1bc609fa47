import { monotonicMs } from "@sightline/service/clock";

/** How busy a session was during the window. */
export interface Load {
  /** Share of the time in which it ran, 0..1. */
  utilization: number;
  framesPerSecond: number;
  /** 0 when nothing ran. */
  meanBatchSize: number;
}

/** Measures the load of a session over the last seconds. */
export class LoadMeter {
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #runs: { endedAt: number; frames: number; runMs: number }[] = [];
  readonly #startedAt: number;

  constructor(windowMs = 5_000, now: () => number = monotonicMs) {
    this.#windowMs = windowMs;
    this.#now = now;
    this.#startedAt = now();
  }

  /** A batch of `frames` frames has run for `runMs` and ends now. */
  add(frames: number, runMs: number): void {
    this.#runs.push({ endedAt: this.#now(), frames, runMs });
    this.#forget();
  }

  read(): Load {
    this.#forget();
    const spanMs = Math.max(1, Math.min(this.#windowMs, this.#now() - this.#startedAt));
    let frames = 0;
    let busyMs = 0;
    for (const run of this.#runs) {
      frames += run.frames;
      busyMs += run.runMs;
    }
    return {
      utilization: Math.min(1, busyMs / spanMs),
      framesPerSecond: (frames * 1000) / spanMs,
      meanBatchSize: this.#runs.length > 0 ? frames / this.#runs.length : 0,
    };
  }

  #forget(): void {
    const oldest = this.#now() - this.#windowMs;
    while (this.#runs[0] && this.#runs[0].endedAt < oldest) this.#runs.shift();
  }
}
