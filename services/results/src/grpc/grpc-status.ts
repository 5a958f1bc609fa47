import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { Logger } from "@sightline/service";
import { type ApiErrorCode, kindOf, toApiError } from "../errors.ts";

/** Trailing metadata with the code, and with the seconds after which a retry is useful, if known. */
const codeKey = "sightline-error";
const retryKey = "retry-after";

/** The gRPC status for an error's code. */
export function grpcStatusOf(code: ApiErrorCode): status {
  return status[kindOf(code)];
}

/** The gRPC status of a caught value. */
export function toStatus(error: unknown, log: Logger): StatusObject {
  const told = toApiError(error, log);
  const metadata = new Metadata();
  metadata.set(codeKey, told.code);
  if (told.retryAfterSeconds !== undefined) metadata.set(retryKey, String(told.retryAfterSeconds));
  return { code: grpcStatusOf(told.code), details: told.message, metadata };
}
