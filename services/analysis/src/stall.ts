import type { AnalysisPresence } from "@sightline/contracts";
import { isPassingFailure, type Logger } from "@sightline/service";

/** So often, and for so long, an analysis must fail without having written anything. */
const [stalledAttempts, stalledMs] = [4, 5_000];
const [firstPauseMs, longestPauseMs] = [250, 4_000];

/** Tells an analysis that fails again and again in one place from one that goes on after a failure. */
export class Stall {
  readonly #log: Logger;
  readonly #tell: (reason: string | undefined) => void;
  readonly #now: () => number;
  #attempts = 0;
  #since = 0;
  #stalled = false;

  /** `tell` is given the reason when it is stalled, and undefined when it goes on; `now`: monotonic milliseconds. */
  constructor(log: Logger, tell: (reason: string | undefined) => void, now = () => performance.now()) {
    this.#log = log;
    this.#tell = tell;
    this.#now = now;
  }

  /** Whether it fails again and again. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Something was written. */
  progress(): void {
    this.#attempts = 0;
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#log.info("the analysis continues");
    this.#tell(undefined);
  }

  /** It has failed. Returns how long to wait before the next attempt, in milliseconds. */
  failed(error: Error): number {
    if (this.#attempts++ === 0) this.#since = this.#now();
    const lasting = this.#attempts >= stalledAttempts && this.#now() - this.#since >= stalledMs;
    if (lasting) this.#tell(error.message);
    if (lasting && !this.#stalled) {
      this.#stalled = true;
      this.#log.error(
        { err: error },
        "the analysis makes no progress: it fails again and again at the same place",
      );
    } else if (!this.#stalled)
      this.#log.warn({ err: error }, "the analysis stopped after an error; recovering it");
    // A stream without a leader has one again after some seconds: then the camera is not to wait for its next attempt as long again.
    return isPassingFailure(error)
      ? firstPauseMs
      : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#attempts - 1));
  }
}

/** As many cameras, and so much of each reason, are told: who reads of that many knows what is the matter. */
const [mostTold, longestReason] = [200, 500];

/** Cameras whose analysis in this process makes no progress, and why. */
export class Stalls {
  readonly #reasons = new Map<string, string>();
  readonly #changed: () => void;

  /** `changed` is called when there is something else to tell. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Undefined: it goes on. */
  tell(camera: string, reason: string | undefined): void {
    if (this.#reasons.get(camera) === reason) return;
    if (reason === undefined) this.#reasons.delete(camera);
    else this.#reasons.set(camera, reason);
    this.#changed();
  }

  /** What others are told of it. */
  get presence(): AnalysisPresence {
    const told = [...this.#reasons].slice(0, mostTold);
    return { stalls: Object.fromEntries(told.map(([camera, why]) => [camera, why.slice(0, longestReason)])) };
  }
}
