import { type ServiceError, status } from "@grpc/grpc-js";

/** Name of a gRPC status: `NOT_FOUND`, `UNAVAILABLE`, … */
export type ErrorCode = Exclude<keyof typeof status, "OK">;

/** Trailing metadata with the server's own, more precise error code. */
const reasonKey = "sightline-error";

/**
 * The only error that this package throws. Match it by `code`, or by `reason` if a code has several reasons.
 *
 * @example
 * ```ts
 * await assert.rejects(
 *   client.cameras.get("nowhere"),
 *   (error) => error instanceof SightlineError && error.reason === "camera_not_found",
 * );
 * ```
 */
export class SightlineError extends Error {
  override readonly name = "SightlineError";
  readonly code: ErrorCode;
  /** The server's own code, such as `model_not_served`; undefined if the server did not answer. */
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, options: { reason?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
  }

  /** Converts a caught value to a SightlineError; anything that is not from gRPC becomes UNKNOWN. */
  static from(error: unknown): SightlineError {
    if (error instanceof SightlineError) return error;
    if (isServiceError(error)) {
      const reason = error.metadata?.get(reasonKey)[0];
      return new SightlineError(status[error.code] as ErrorCode, error.details || error.message, {
        reason: typeof reason === "string" ? reason : undefined,
        cause: error,
      });
    }
    return new SightlineError("UNKNOWN", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

/**
 * Whether the same call may succeed a little later: no server answered, it is stopping, NATS is away, or the connection
 * broke. A server without a free place may still count a lost connection of this client.
 */
export function isPassing({ code, reason }: SightlineError, everOpen: boolean): boolean {
  if (code === "UNAVAILABLE") return true;
  if (reason === "too_many_calls") return true;
  if (reason === "too_many_subscribers" || reason === "too_many_streams") return everOpen;
  // Without the server's own code, these are streams that were reset on the way.
  return (
    reason === undefined && (code === "INTERNAL" || code === "CANCELLED" || code === "DEADLINE_EXCEEDED")
  );
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && error.code in status;
}
