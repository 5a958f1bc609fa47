import type { AnalysisPresence } from "@sightline/contracts";
import { isPassingFailure, type Logger, ServiceError } from "@sightline/service";
import { TimelineError, type TimelineErrorCode } from "./errors.ts";

/** An analysis is stalled when it has failed this often and for this long without having written anything. */
const [stalledAttempts, stalledMs] = [4, 5_000];
const [firstPauseMs, longestPauseMs] = [250, 4_000];
/** While a stream is damaged: results creates it again within seconds, and looking costs little. */
const damagedPauseMs = 1_000;

/** Distinguishes an analysis that keeps failing at one place from one that continues after a failure. */
export class Stall {
  readonly #log: Logger;
  readonly #tell: (reason: string | undefined) => void;
  readonly #now: () => number;
  #attempts = 0;
  /** Attempts that failed although NATS answered. */
  #failures = 0;
  #since = 0;
  #stalled = false;
  /** Whether it is stalled until the streams can be read. */
  #damaged = false;

  /**
   * `tell` gets the reason when the analysis is stalled, and undefined when it continues; `now`: monotonic milliseconds.
   */
  constructor(log: Logger, tell: (reason: string | undefined) => void, now = () => performance.now()) {
    this.#log = log;
    this.#tell = tell;
    this.#now = now;
  }

  /** Whether it keeps failing. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Something was written. */
  progress(): void {
    this.#attempts = 0;
    this.#failures = 0;
    this.#damaged = false;
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#log.info("the analysis continues");
    this.#tell(undefined);
  }

  /** The streams can be read. If they could not before, the analysis continues, also of a camera without frames. */
  readable(): void {
    if (this.#damaged) this.progress();
  }

  /** It has failed. Returns how long to wait before the next attempt, in milliseconds. */
  failed(error: Error): number {
    if (this.#attempts++ === 0) this.#since = this.#now();
    // No further attempt is needed to know that this lasts.
    const damaged = codeOf(error) === "stream_damaged";
    this.#damaged ||= damaged;
    const lasting = damaged || (this.#attempts >= stalledAttempts && this.#now() - this.#since >= stalledMs);
    if (lasting) this.#tell(error.message);
    if (lasting && !this.#stalled) {
      this.#stalled = true;
      this.#log.error(
        { err: error },
        damaged
          ? "the analysis makes no progress: what is written to a damaged stream is lost"
          : "the analysis makes no progress: it fails again and again at the same place",
      );
    } else if (!this.#stalled)
      this.#log.warn({ err: error }, "the analysis stopped after an error; recovering it");
    // A stream without a leader has one again after some seconds: the camera should not then wait just as long for its next
    // attempt, nor after the next failure.
    const isUnanswered = error instanceof ServiceError && error.code === "no_answer";
    if (isPassingFailure(error) || isUnanswered || codeOf(error) === "interrupted") return firstPauseMs;
    if (damaged) return damagedPauseMs;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++);
  }
}

function codeOf(error: Error): TimelineErrorCode | undefined {
  return error instanceof TimelineError ? error.code : undefined;
}

/** Most cameras, and most characters of each reason, that are reported: these are enough to understand the problem. */
const [mostTold, longestReason] = [200, 500];

/** Cameras whose analysis in this process makes no progress, and why. */
export class Stalls {
  readonly #reasons = new Map<string, string>();
  readonly #changed: () => void;

  /** `changed` is called when the report has changed. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** `reason` undefined: the analysis continues. */
  tell(camera: string, reason: string | undefined): void {
    if (this.#reasons.get(camera) === reason) return;
    if (reason === undefined) this.#reasons.delete(camera);
    else this.#reasons.set(camera, reason);
    this.#changed();
  }

  /** What other processes are told. */
  get presence(): AnalysisPresence {
    const told = [...this.#reasons].slice(0, mostTold);
    return { stalls: Object.fromEntries(told.map(([camera, why]) => [camera, why.slice(0, longestReason)])) };
  }
}
