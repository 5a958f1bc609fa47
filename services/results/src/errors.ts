import { type Logger, nameHint } from "@sightline/service";

/** What kind of error each of the API is, by the names of google.rpc.Code. Both APIs derive their statuses from it; docs/api.md lists them for users. */
const kinds = {
  invalid_argument: "INVALID_ARGUMENT",
  model_not_served: "INVALID_ARGUMENT",
  unknown_class: "INVALID_ARGUMENT",
  cursor_corrupt: "INVALID_ARGUMENT",
  cursor_foreign: "INVALID_ARGUMENT",
  camera_not_found: "NOT_FOUND",
  event_not_found: "NOT_FOUND",
  snapshot_not_found: "NOT_FOUND",
  recording_not_found: "NOT_FOUND",
  subscription_not_found: "NOT_FOUND",
  dead_letter_not_found: "NOT_FOUND",
  camera_exists: "ALREADY_EXISTS",
  subscription_exists: "ALREADY_EXISTS",
  model_not_found: "NOT_FOUND",
  model_version_not_found: "NOT_FOUND",
  model_exists: "ALREADY_EXISTS",
  model_job_not_found: "NOT_FOUND",
  model_job_ended: "FAILED_PRECONDITION",
  too_many_model_jobs: "RESOURCE_EXHAUSTED",
  model_store_full: "RESOURCE_EXHAUSTED",
  model_version_in_use: "FAILED_PRECONDITION",
  upload_incomplete: "FAILED_PRECONDITION",
  no_worker: "FAILED_PRECONDITION",
  shadow_not_found: "NOT_FOUND",
  too_many_shadows: "RESOURCE_EXHAUSTED",
  floor_not_promised: "FAILED_PRECONDITION",
  activation_failed: "FAILED_PRECONDITION",
  activation_superseded: "ABORTED",
  etag_mismatch: "ABORTED",
  too_many_subscribers: "RESOURCE_EXHAUSTED",
  too_many_calls: "RESOURCE_EXHAUSTED",
  too_many_streams: "RESOURCE_EXHAUSTED",
  rules_invalid: "INVALID_ARGUMENT",
  registry_unavailable: "UNAVAILABLE",
  history_unavailable: "UNAVAILABLE",
  subscriptions_unavailable: "UNAVAILABLE",
  picture_unavailable: "UNAVAILABLE",
  recording_unavailable: "UNAVAILABLE",
  probe_unavailable: "UNAVAILABLE",
  route_not_found: "NOT_FOUND",
  unauthenticated: "UNAUTHENTICATED",
  wrong_credentials: "UNAUTHENTICATED",
  too_many_attempts: "RESOURCE_EXHAUSTED",
  permission_denied: "PERMISSION_DENIED",
  /** The caller's permissions changed while a stream was open: it can be opened again at once. */
  access_changed: "UNAVAILABLE",
  access_unavailable: "UNAVAILABLE",
  user_not_found: "NOT_FOUND",
  user_exists: "ALREADY_EXISTS",
  last_admin: "FAILED_PRECONDITION",
  token_not_found: "NOT_FOUND",
  host_refused: "PERMISSION_DENIED",
  origin_refused: "PERMISSION_DENIED",
  media_type_refused: "INVALID_ARGUMENT",
  body_too_large: "RESOURCE_EXHAUSTED",
  too_many_sockets: "RESOURCE_EXHAUSTED",
  starting: "UNAVAILABLE",
  stopping: "UNAVAILABLE",
  internal: "INTERNAL",
} as const;

export type ApiErrorCode = keyof typeof kinds;

/** A name of google.rpc.Code. */
export type ErrorKind = (typeof kinds)[ApiErrorCode];

/** Every code. */
export const apiErrorCodes = Object.keys(kinds) as ApiErrorCode[];

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
  if (error.cause instanceof Error && kinds[error.code] !== "INVALID_ARGUMENT")
    log.warn({ code: error.code, err: error.cause }, error.message);
  return error;
}

/** What kind of error a code stands for. */
export function kindOf(code: ApiErrorCode): ErrorKind {
  return kinds[code];
}

/** The error for a camera that is not among `known`, with the most similar name. */
export function noCamera(id: string, known: readonly string[]): ApiError {
  return new ApiError("camera_not_found", `there is no camera '${id}'${nameHint(id, known)}`);
}
