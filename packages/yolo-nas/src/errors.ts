/** What this package throws. Callers tell errors apart by class or `code`, never by message. */
export type YoloNasErrorCode =
  | "MODEL_FILE"
  | "MODEL_UNKNOWN"
  | "WEIGHTS"
  | "EXECUTION_PROVIDER"
  | "INFERENCE"
  | "INVALID_ARGUMENT";

export class YoloNasError extends Error {
  readonly code: YoloNasErrorCode;

  constructor(code: YoloNasErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A model file cannot be read, or is not what its place demands. */
export class ModelFileError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("MODEL_FILE", message, options);
  }
}

/** A readable ONNX file whose tensors match no known YOLO-NAS export. */
export class UnknownModelError extends YoloNasError {
  constructor(message: string) {
    super("MODEL_UNKNOWN", message);
  }
}

/** A weights file lacks a tensor of the architecture, or holds one of another shape. */
export class WeightsError extends YoloNasError {
  constructor(message: string) {
    super("WEIGHTS", message);
  }
}

/** The execution provider that was asked for cannot be used on this machine. */
export class ExecutionProviderError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("EXECUTION_PROVIDER", message, options);
  }
}

/** ONNX Runtime failed while running a loaded model. */
export class InferenceError extends YoloNasError {
  constructor(message: string, options?: ErrorOptions) {
    super("INFERENCE", message, options);
  }
}

/** A caller's argument is outside what the function accepts. */
export class InvalidArgumentError extends YoloNasError {
  constructor(message: string) {
    super("INVALID_ARGUMENT", message);
  }
}
