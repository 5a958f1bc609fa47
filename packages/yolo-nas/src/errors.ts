/** Errors of this package. Callers distinguish errors by class or `code`, never by message. */
export type YoloNasErrorCode =
  | "MODEL_FILE"
  | "MODEL_UNKNOWN"
  | "WEIGHTS"
  | "EXECUTION_PROVIDER"
  | "INFERENCE"
  | "INVALID_ARGUMENT";

/**
 * @example
 * ```ts
 * assert.throws(
 *   () => architecture("yolo_nas_xxl"),
 *   (error) => error instanceof YoloNasError && error.code === "INVALID_ARGUMENT",
 * );
 * ```
 */
export class YoloNasError extends Error {
  readonly code: YoloNasErrorCode;

  constructor(code: YoloNasErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * A model file cannot be read, or is not the kind of file that is needed.
 *
 * @example
 * ```ts
 * await assert.rejects(loadModel("no-such-file.onnx"), ModelFileError);
 * ```
 */
export class ModelFileError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("MODEL_FILE", message, options);
  }
}

/**
 * A readable ONNX file whose tensors match no known YOLO-NAS export.
 *
 * @example
 * ```ts
 * assert.throws(() => describeModel(new OnnxGraph()), UnknownModelError);
 * ```
 */
export class UnknownModelError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("MODEL_UNKNOWN", message, options);
  }
}

/**
 * A weights file does not have a tensor of the architecture, or has one of another shape.
 *
 * @example
 * ```ts
 * await assert.rejects(readSafetensors("no-such-file.safetensors"), WeightsError);
 * ```
 */
export class WeightsError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("WEIGHTS", message, options);
  }
}

/**
 * The requested execution provider cannot be used on this machine.
 *
 * @example
 * ```ts
 * const here = await providerObstacle("cuda");
 * const loading = DetectorSession.load("models/yolo-nas-pedestrians/fp32.onnx", { executionProvider: "cuda" });
 * if (here) await assert.rejects(loading, ExecutionProviderError);
 * else assert.equal((await loading).provider, "cuda");
 * ```
 */
export class ExecutionProviderError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("EXECUTION_PROVIDER", message, options);
  }
}

/**
 * ONNX Runtime failed while running a loaded model.
 *
 * @example
 * ```ts
 * const { attributes } = (await readClassifier("models/clothing-colour"))!;
 * const session = await ClassifierSession.load("models/clothing-colour/fp32.onnx", attributes);
 * const nowhere = Float32Array.of(Number.NaN, 0, 0, 0);
 * await assert.rejects(session.run(new Uint8Array(12), { width: 2, height: 2 }, nowhere), InferenceError);
 * await session.stop();
 * ```
 */
export class InferenceError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("INFERENCE", message, options);
  }
}

/**
 * A caller's argument is outside what the function accepts.
 *
 * @example
 * ```ts
 * assert.throws(() => computeLetterbox({ width: 0, height: 0 }, { width: 640, height: 640 }), InvalidArgumentError);
 * ```
 */
export class InvalidArgumentError extends YoloNasError {
  constructor(message: string) {
    super("INVALID_ARGUMENT", message);
  }
}

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

/** What went wrong in an evaluation; compare this, never the message. */
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
