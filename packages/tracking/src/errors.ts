/** The errors that this package throws. Distinguish them by class or `code`, never by message. */
export type TrackingErrorCode = "OPTIONS" | "STATE" | "TIME";

/**
 * @example
 * ```ts
 * assert.throws(
 *   () => new Tracker({ lostMs: -1 }),
 *   (error) => error instanceof TrackingError && error.code === "OPTIONS",
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
    super("OPTIONS", message);
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
    super("STATE", message, options);
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
    super("TIME", message);
  }
}
