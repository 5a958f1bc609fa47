/** Why a camera's analysis cannot go on as it is. */
export type TimelineErrorCode =
  /** A checkpoint does not fit the streams, or the entries that follow it. */
  | "checkpoint_foreign"
  /** NATS was interrupted, or the lease was lost; another attempt may succeed. */
  | "interrupted"
  /** The streams are not as expected: they have lost messages, or another process has written. */
  | "timeline_conflict"
  /** NATS cannot read the newest message of a stream, so what it appends is lost. Results creates the stream again. */
  | "stream_damaged"
  /** The frame is already in the timeline, or was until it was forgotten. */
  | "frame_duplicate";

/** The error of this service. */
export class TimelineError extends Error {
  override readonly name = "TimelineError";
  readonly code: TimelineErrorCode;

  constructor(code: TimelineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
