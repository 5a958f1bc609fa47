import { Counter, type Registry } from "prom-client";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { ApiError, kindOf } from "../errors.ts";
import { networkOf } from "./caller-address.ts";
import type { Principal } from "./principal.ts";

/** Calls are counted over this many seconds: a page or program may begin with many calls at once. */
const windowSeconds = 10;

export interface CallLimitSettings {
  /** Calls per second. */
  maxCallsPerAddress: number;
  maxCallsPerUser: number;
  /** Streams and answers open at the same time. */
  maxStreamsPerUser: number;
}

/**
 * Limits the calls of one address, and of one user or token, over gRPC and HTTP together. While the server has no users, local callers are
 * not counted as one user, because they are not a single caller.
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

  /** Counts a call from this address, before the caller is known. @throws ApiError too_many_calls */
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

  /** Counts a stream or an answer until the returned function is called; it may be called twice. @throws ApiError too_many_streams */
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

  /** Counts the error of a call if a limit caused it. */
  observe(error: unknown): void {
    if (error instanceof ApiError && kindOf(error.code) === "RESOURCE_EXHAUSTED")
      this.#refused.inc({ reason: error.code });
  }
}

/** The key by which a caller is counted; a user's tokens count as the user. Undefined for callers without an identity. */
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
