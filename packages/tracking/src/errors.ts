/** Why something failed: an option is out of its range, a stored state cannot be continued, or a time is not a number. */
export type TrackingErrorCode = "options_invalid" | "state_invalid" | "time_invalid";

/**
 * The errors that this package throws. Distinguish them by class or `code`, never by message.
 *
 * @example
 * ```ts
 * assert.throws(
 *   () => new Tracker({ lostMs: -1 }),
 *   (error) => error instanceof TrackingError && error.code === "options_invalid",
 * );
 * ```
 */
export class TrackingError extends Error {
  readonly code: TrackingErrorCode;

  constructor(code: TrackingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * An option is out of its range.
 *
 * @example
 * ```ts
 * assert.throws(() => new Tracker({ highScore: 2 }), TrackerOptionsError);
 * ```
 */
export class TrackerOptionsError extends TrackingError {
  constructor(message: string) {
    super("options_invalid", message);
  }
}

/**
 * This version cannot continue from a stored state; start a tracker without it.
 *
 * @example
 * ```ts
 * const state = { ...new Tracker().snapshot(), nextNumber: -1 };
 * assert.throws(() => new Tracker({}, state), TrackerStateError);
 * ```
 */
export class TrackerStateError extends TrackingError {
  constructor(message: string, options?: ErrorOptions) {
    super("state_invalid", message, options);
  }
}

/**
 * A time is not a finite number of milliseconds.
 *
 * @example
 * ```ts
 * assert.throws(() => new Tracker().update(Number.NaN, []), TrackerTimeError);
 * ```
 */
export class TrackerTimeError extends TrackingError {
  constructor(message: string) {
    super("time_invalid", message);
  }
}
