import { status } from "@grpc/grpc-js";
import { Counter, type Registry } from "prom-client";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { ApiError, grpcStatusOf } from "../grpc/errors.ts";
import { networkOf } from "./caller-address.ts";
import type { Principal } from "./principal.ts";

/** Calls are counted over so many seconds: a page or a program that begins with many of them is no fault. */
const windowSeconds = 10;

export interface CallLimitSettings {
  /** Calls a second. */
  maxCallsPerAddress: number;
  maxCallsPerUser: number;
  /** Streams and answers that are open at a time. */
  maxStreamsPerUser: number;
}

/**
 * Bounds what one address, and one user or token, may ask of the server, over gRPC and HTTP together. Everybody on a machine whose
 * server has no users yet is not counted: that is no caller of its own.
 */
export class CallLimits {
  readonly #settings: CallLimitSettings;
  readonly #byAddress: RateLimiterMemory;
  readonly #byCaller: RateLimiterMemory;
  readonly #open = new Map<string, number>();
  readonly #refused: Counter<"reason">;

  constructor(settings: CallLimitSettings, registry: Registry) {
    this.#settings = settings;
    const limiter = (callsPerSecond: number) =>
      new RateLimiterMemory({ points: callsPerSecond * windowSeconds, duration: windowSeconds });
    this.#byAddress = limiter(settings.maxCallsPerAddress);
    this.#byCaller = limiter(settings.maxCallsPerUser);
    this.#refused = new Counter({
      name: "sightline_calls_refused_total",
      help: "Calls and requests that were refused because a limit was reached, by the error's code.",
      labelNames: ["reason"],
      registers: [registry],
    });
  }

  /** Counts a call from this address, before it is known who calls. @throws ApiError too_many_calls */
  async fromAddress(address: string): Promise<void> {
    const { maxCallsPerAddress } = this.#settings;
    await take(
      this.#byAddress,
      networkOf(address),
      `this address has made more than ${maxCallsPerAddress} calls a second (SIGHTLINE_MAX_CALLS_PER_ADDRESS)`,
    );
  }

  /** Counts a call of this caller. @throws ApiError too_many_calls */
  async fromCaller(caller: Principal | undefined): Promise<void> {
    const key = caller && callerKey(caller);
    if (key === undefined) return;
    const { maxCallsPerUser } = this.#settings;
    await take(
      this.#byCaller,
      key,
      `'${caller!.name}' has made more than ${maxCallsPerUser} calls a second (SIGHTLINE_MAX_CALLS_PER_USER)`,
    );
  }

  /** Counts a stream or an answer until the returned function is called, which may be done twice. @throws ApiError too_many_streams */
  open(caller: Principal | undefined): () => void {
    const key = caller && callerKey(caller);
    if (key === undefined) return () => undefined;
    const now = this.#open.get(key) ?? 0;
    if (now >= this.#settings.maxStreamsPerUser)
      throw new ApiError(
        "too_many_streams",
        `'${caller!.name}' has ${now} streams and downloads open, the most that one user or token may (SIGHTLINE_MAX_STREAMS_PER_USER)`,
      );
    this.#open.set(key, now + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      const left = this.#open.get(key)! - 1;
      if (left === 0) this.#open.delete(key);
      else this.#open.set(key, left);
    };
  }

  /** Counts an error that a call ended with, if a limit is why. */
  observe(error: unknown): void {
    if (error instanceof ApiError && grpcStatusOf(error.code) === status.RESOURCE_EXHAUSTED)
      this.#refused.inc({ reason: error.code });
  }
}

/** By what a caller is counted: tokens of a user with the user. Undefined for those who are nobody in particular. */
export function callerKey({ kind, name, user, token }: Principal): string | undefined {
  if (kind === "local") return undefined;
  return user === undefined ? `${kind} ${token ?? name}` : `user ${user}`;
}

async function take(limiter: RateLimiterMemory, key: string, what: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const retryAfterSeconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new ApiError("too_many_calls", `${what}; try again in ${retryAfterSeconds} s`, {
      retryAfterSeconds,
      cause: error,
    });
  }
}
