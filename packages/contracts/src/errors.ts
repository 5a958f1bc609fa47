/** What is wrong with something that another process sent. */
export type WireErrorCode =
  /** It is not JSON in UTF-8, or a field stands in it twice. */
  | "json_invalid"
  /** A small JSON message violates its schema. */
  | "message_invalid"
  /** A frame, or the handle of one, violates the format or a limit. */
  | "frame_invalid";

/** The error that this package throws. The message says what is wrong and where, and quotes no more than a field's name. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
