/** Why something failed. Callers distinguish errors by class or `code`, never by message. */
export type YoloNasErrorCode =
  | "model_file"
  | "model_unknown"
  | "weights"
  | "execution_provider"
  | "inference"
  | "invalid_argument"
  | EngineErrorCode
  | EvaluationErrorCode;

/**
 * @example
 * ```ts
 * assert.throws(
 *   () => architecture("yolo_nas_xxl"),
 *   (error) => error instanceof YoloNasError && error.code === "invalid_argument",
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
    super("model_file", message, options);
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
    super("model_unknown", message, options);
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
    super("weights", message, options);
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
    super("execution_provider", message, options);
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
    super("inference", message, options);
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
    super("invalid_argument", message);
  }
}

/** Why an engine cannot be built or used. */
export type EngineErrorCode =
  | "builder_missing"
  | "trtexec_missing"
  | "trtexec_failed"
  | "not_an_engine"
  | "foreign_engine"
  | "engine_file_missing"
  | "engine_file_changed"
  | "model_mismatch"
  | "wrong_gpu"
  | "wrong_tensorrt"
  | "profile_mismatch";

/**
 * An engine that cannot be built or must not be loaded. The message says what to do about it.
 *
 * @example
 * ```ts
 * const loading = checkEngine("models/yolo-nas-pedestrians/fp32.onnx");
 * await assert.rejects(loading, (error) => error instanceof EngineError && error.code === "not_an_engine");
 * ```
 */
export class EngineError extends YoloNasError {
  declare readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** What went wrong in an evaluation; compare this, never the message. */
export type EvaluationErrorCode =
  | "bad_annotations"
  | "image_missing"
  | "cut_short"
  | "category_mismatch"
  | "no_images"
  | "stream_ended";

/**
 * An evaluation that cannot give an honest number refuses with this.
 *
 * @example
 * ```ts
 * const reading = readCocoAnnotations("no-such-file.json");
 * await assert.rejects(reading, (error) => error instanceof EvaluationError && error.code === "bad_annotations");
 * ```
 */
export class EvaluationError extends YoloNasError {
  declare readonly code: EvaluationErrorCode;

  constructor(code: EvaluationErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
