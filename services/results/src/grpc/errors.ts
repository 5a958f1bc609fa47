import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type Logger, nameHint } from "@sightline/service";

/** Every error of the API: its code and its gRPC status. docs/api.md lists them for users. */
const statusOf = {
  invalid_argument: status.INVALID_ARGUMENT,
  model_not_served: status.INVALID_ARGUMENT,
  unknown_class: status.INVALID_ARGUMENT,
  cursor_corrupt: status.INVALID_ARGUMENT,
  cursor_foreign: status.INVALID_ARGUMENT,
  camera_not_found: status.NOT_FOUND,
  event_not_found: status.NOT_FOUND,
  snapshot_not_found: status.NOT_FOUND,
  recording_not_found: status.NOT_FOUND,
  subscription_not_found: status.NOT_FOUND,
  dead_letter_not_found: status.NOT_FOUND,
  camera_exists: status.ALREADY_EXISTS,
  subscription_exists: status.ALREADY_EXISTS,
  model_not_found: status.NOT_FOUND,
  model_version_not_found: status.NOT_FOUND,
  model_exists: status.ALREADY_EXISTS,
  model_job_not_found: status.NOT_FOUND,
  model_job_ended: status.FAILED_PRECONDITION,
  too_many_model_jobs: status.RESOURCE_EXHAUSTED,
  model_store_full: status.RESOURCE_EXHAUSTED,
  model_version_in_use: status.FAILED_PRECONDITION,
  upload_incomplete: status.FAILED_PRECONDITION,
  no_worker: status.FAILED_PRECONDITION,
  shadow_not_found: status.NOT_FOUND,
  too_many_shadows: status.RESOURCE_EXHAUSTED,
  floor_not_promised: status.FAILED_PRECONDITION,
  activation_failed: status.FAILED_PRECONDITION,
  activation_superseded: status.ABORTED,
  etag_mismatch: status.ABORTED,
  too_many_subscribers: status.RESOURCE_EXHAUSTED,
  too_many_calls: status.RESOURCE_EXHAUSTED,
  too_many_streams: status.RESOURCE_EXHAUSTED,
  rules_invalid: status.INVALID_ARGUMENT,
  registry_unavailable: status.UNAVAILABLE,
  history_unavailable: status.UNAVAILABLE,
  subscriptions_unavailable: status.UNAVAILABLE,
  picture_unavailable: status.UNAVAILABLE,
  recording_unavailable: status.UNAVAILABLE,
  probe_unavailable: status.UNAVAILABLE,
  route_not_found: status.NOT_FOUND,
  unauthenticated: status.UNAUTHENTICATED,
  wrong_credentials: status.UNAUTHENTICATED,
  too_many_attempts: status.RESOURCE_EXHAUSTED,
  permission_denied: status.PERMISSION_DENIED,
  /** The caller's permissions changed while a stream was open: it can be opened again at once. */
  access_changed: status.UNAVAILABLE,
  access_unavailable: status.UNAVAILABLE,
  user_not_found: status.NOT_FOUND,
  user_exists: status.ALREADY_EXISTS,
  last_admin: status.FAILED_PRECONDITION,
  token_not_found: status.NOT_FOUND,
  host_refused: status.PERMISSION_DENIED,
  origin_refused: status.PERMISSION_DENIED,
  media_type_refused: status.INVALID_ARGUMENT,
  body_too_large: status.RESOURCE_EXHAUSTED,
  too_many_sockets: status.RESOURCE_EXHAUSTED,
  starting: status.UNAVAILABLE,
  stopping: status.UNAVAILABLE,
  internal: status.INTERNAL,
} as const;

export type ApiErrorCode = keyof typeof statusOf;

/** Every code. */
export const apiErrorCodes = Object.keys(statusOf) as ApiErrorCode[];

/** Why a login at the provider failed; the login page gets it in its address. */
export type OidcFaultCode =
  | "oidc_unavailable"
  | "oidc_expired"
  | "oidc_refused"
  | "oidc_no_role"
  | "oidc_name_taken"
  | "oidc_failed";

export type ResultsErrorCode =
  | ApiErrorCode
  | OidcFaultCode
  /** Something of a site can never be stored at the centre; it is skipped. */
  | "site_data_unusable"
  /** A site's camera would have the same name as a camera of the centre. */
  | "site_camera_exists"
  /** The centre itself cannot store a site's data: neither the site nor its connection is at fault. */
  | "centre_unavailable";

/** The errors of this service. A caller of the API gets only those that are an `ApiError`. */
export class ResultsError extends Error {
  readonly code: ResultsErrorCode;

  constructor(code: ResultsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Trailing metadata with the code, and with the seconds after which a retry is useful, if known. */
const codeKey = "sightline-error";
const retryKey = "retry-after";

/** An error that the caller gets; `message` is for people and contains no secret. */
export class ApiError extends ResultsError {
  declare readonly code: ApiErrorCode;
  /** When a retry is useful, if known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    { retryAfterSeconds, ...options }: ErrorOptions & { retryAfterSeconds?: number } = {},
  ) {
    super(code, message, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A failed login at the provider; `message` is for the log. */
export class OidcFault extends ResultsError {
  declare readonly code: OidcFaultCode;

  constructor(code: OidcFaultCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** A site's camera would have the same name as a camera of the centre: their events would be mixed. */
export class CameraClashError extends ResultsError {
  /** The centre's own camera. */
  readonly camera: string;

  constructor(site: string, camera: string) {
    super(
      "site_camera_exists",
      `a camera of the site '${site}' would be called '${camera}', as a camera of this centre is`,
    );
    this.camera = camera;
  }
}

/** Throws the faults of a request: a single one unchanged, several as one `invalid_argument` with one line each. */
export function throwFaults(faults: readonly ApiError[]): void {
  const [first, second] = faults;
  if (!first) return;
  if (!second) throw first;
  throw new ApiError("invalid_argument", faults.map(({ message }) => message).join("\n"));
}

/** The error of a check as a list of faults; empty when it passes. */
export function faultsOf(check: () => unknown): ApiError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof ApiError) return [error];
    throw error;
  }
}

/**
 * The error that the caller gets for a caught value. What is not an ApiError is logged and becomes `internal` without its text. Reasons why
 * the server cannot do something are logged; faults of a request go only to the caller.
 */
export function toApiError(error: unknown, log: Logger): ApiError {
  if (!(error instanceof ApiError)) {
    log.error({ err: error }, "a call failed");
    return new ApiError("internal", "internal error; the server's log says more");
  }
  if (error.cause instanceof Error && statusOf[error.code] !== status.INVALID_ARGUMENT)
    log.warn({ code: error.code, err: error.cause }, error.message);
  return error;
}

/** The gRPC status for an error's code. */
export function grpcStatusOf(code: ApiErrorCode): (typeof statusOf)[ApiErrorCode] {
  return statusOf[code];
}

/** The gRPC status of a caught value. */
export function toStatus(error: unknown, log: Logger): StatusObject {
  const told = toApiError(error, log);
  const metadata = new Metadata();
  metadata.set(codeKey, told.code);
  if (told.retryAfterSeconds !== undefined) metadata.set(retryKey, String(told.retryAfterSeconds));
  return { code: grpcStatusOf(told.code), details: told.message, metadata };
}

/** The error for a camera that is not among `known`, with the most similar name. */
export function noCamera(id: string, known: readonly string[]): ApiError {
  return new ApiError("camera_not_found", `there is no camera '${id}'${nameHint(id, known)}`);
}
