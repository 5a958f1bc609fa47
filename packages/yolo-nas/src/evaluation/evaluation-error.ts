/** What went wrong while evaluating; match on this, never on the message. */
export type EvaluationErrorCode =
  | "bad-annotations"
  | "image-missing"
  | "cut-short"
  | "category-mismatch"
  | "no-images"
  | "stream-ended";

/**
 * An evaluation that cannot give an honest number refuses with this.
 *
 * @example
 * ```ts
 * const reading = readCocoAnnotations("no-such-file.json");
 * await assert.rejects(reading, (error) => error instanceof EvaluationError && error.code === "bad-annotations");
 * ```
 */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
  readonly code: EvaluationErrorCode;

  constructor(code: EvaluationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
