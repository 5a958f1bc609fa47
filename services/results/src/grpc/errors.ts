import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { Logger } from "@sightline/service";

/** Every error of the API: its code and the gRPC status that carries it. docs/api.md lists them for users. */
const statusOf = {
  invalid_argument: status.INVALID_ARGUMENT,
  model_not_served: status.INVALID_ARGUMENT,
  unknown_class: status.INVALID_ARGUMENT,
  camera_not_found: status.NOT_FOUND,
  camera_exists: status.ALREADY_EXISTS,
  etag_mismatch: status.ABORTED,
  too_many_subscribers: status.RESOURCE_EXHAUSTED,
  registry_unavailable: status.UNAVAILABLE,
  stopping: status.UNAVAILABLE,
  internal: status.INTERNAL,
} as const;

export type ApiErrorCode = keyof typeof statusOf;

/** Trailing metadata that carries the code. */
const codeKey = "sightline-error";

/** A fault that the caller is told about; `message` is for people and holds no secret. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The gRPC status of a caught value; what is no ApiError is logged, and reported as INTERNAL without its text. */
export function toStatus(error: unknown, log: Logger): StatusObject {
  if (!(error instanceof ApiError)) {
    log.error({ error: (error as Error)?.message, stack: (error as Error)?.stack }, "a call failed");
    return toStatus(new ApiError("internal", "internal error; the server's log says more"), log);
  }
  if (error.cause instanceof Error) log.warn({ code: error.code, cause: error.cause.message }, error.message);
  const metadata = new Metadata();
  metadata.set(codeKey, error.code);
  return { code: statusOf[error.code], details: error.message, metadata };
}
