/** Why an engine cannot be built or used. */
export type EngineErrorCode =
  | "BUILDER_MISSING"
  | "TRTEXEC_MISSING"
  | "TRTEXEC_FAILED"
  | "NOT_AN_ENGINE"
  | "FOREIGN_ENGINE"
  | "ENGINE_FILE_MISSING"
  | "ENGINE_FILE_CHANGED"
  | "MODEL_MISMATCH"
  | "WRONG_GPU"
  | "WRONG_TENSORRT"
  | "PROFILE_MISMATCH";

/**
 * An engine that cannot be built or must not be loaded. The message says what to do about it.
 *
 * @example
 * ```ts
 * const loading = checkEngine("models/yolo-nas-pedestrians/fp32.onnx");
 * await assert.rejects(loading, (error) => error instanceof EngineError && error.code === "NOT_AN_ENGINE");
 * ```
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
