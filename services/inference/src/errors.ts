/** Why a worker cannot serve a model, infer a frame or do a job. */
export type WorkerErrorCode =
  /** The model, or its version, is not in the model directory, or has another name there. */
  | "model_not_found"
  /** No execution provider can run the model as configured. */
  | "no_engine"
  /** A model needs other frames than the running one. */
  | "frame_size_differs"
  /** SIGHTLINE_MODEL_MEMORY_MB is not enough for another model. */
  | "no_memory"
  /** The session could not infer a batch. */
  | "batch_failed"
  /** Two parts of the worker disagree about which frames a batch contains: none of its boxes can be trusted. */
  | "batch_mismatch"
  /** A job could not be done; the message is for the person who requested it. */
  | "job_failed"
  /** A job's clip is of a kind that cannot be read here. */
  | "clip_unreadable"
  /** A file in NATS is incomplete, or not the one that was stored. */
  | "stored_file_broken";

/** The error of this service. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  readonly code: WorkerErrorCode;

  constructor(code: WorkerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
