import type { HttpError } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import type { FastifyReply } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { ApiError, type ApiErrorCode, type ErrorKind, kindOf, toApiError } from "../errors.ts";

/** The HTTP status for each kind of error. */
const httpStatusOf: Record<ErrorKind, number> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  FAILED_PRECONDITION: 409,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

/** Codes for which HTTP has a better status than the one for their kind. */
const exceptions: Partial<Record<ApiErrorCode, number>> = {
  etag_mismatch: 412,
  media_type_refused: 415,
  body_too_large: 413,
};

/** Errors that fastify itself detects, by their codes. */
const fastifyFaults: Record<string, { code: ApiErrorCode; message: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "media_type_refused",
    message: "the body must be JSON; send it with Content-Type: application/json",
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "body_too_large", message: "the body is too large" },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: "invalid_argument",
    message: "the body's length is not what Content-Length says",
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: "invalid_argument",
    message: "the body is empty; expected a JSON object",
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: "invalid_argument", message: "the body is not valid JSON" },
  FST_ERR_BAD_URL: { code: "invalid_argument", message: "the path is not valid; check its % escapes" },
  FST_ERR_MAX_PARAM_LENGTH: { code: "route_not_found", message: "a part of the path is too long" },
};

/** The HTTP status for an error's code. */
export function httpStatus(code: ApiErrorCode): number {
  return exceptions[code] ?? httpStatusOf[kindOf(code)];
}

/** Answers with an error in the common form. Server faults are logged, not sent. */
export function sendError(error: unknown, reply: FastifyReply, log: Logger): FastifyReply {
  const { code, message, retryAfterSeconds } = toApiError(apiErrorOf(error), log);
  const body: HttpError = { code, message };
  if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
  // Serialised here, because the route's own schemas do not cover errors that occur before the handler.
  return reply
    .code(httpStatus(code))
    .header("cache-control", "no-store")
    .type("application/json; charset=utf-8")
    .send(JSON.stringify(body));
}

/** Turns an error of fastify into one of ours; returns any other unchanged. */
export function apiErrorOf(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validationContext ?? "request";
    const faults = error.validation.map(({ instancePath, message }) => {
      const path = instancePath.replaceAll("/", ".");
      const place = where === "querystring" ? `query parameter ${path.slice(1)}` : `${where}${path}`;
      return `${place}: ${message ?? "not valid"}`;
    });
    return new ApiError("invalid_argument", faults.slice(0, maxFaults).join("; "));
  }
  const { code = "", statusCode } = (error ?? {}) as { code?: string; statusCode?: number };
  const fault = fastifyFaults[code];
  if (fault) return new ApiError(fault.code, fault.message);
  // The rest below 500 are files that may not be sent.
  return statusCode !== undefined && statusCode < 500
    ? new ApiError("route_not_found", "there is nothing at this path")
    : error;
}

/** Most faults reported for one request. */
const maxFaults = 20;
