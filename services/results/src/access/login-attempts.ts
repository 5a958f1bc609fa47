import { RateLimiterMemory } from "rate-limiter-flexible";
import { ApiError } from "../errors.ts";
import { networkOf } from "./caller-address.ts";

/** How long failures are remembered, in seconds. */
const memorySeconds = 24 * 60 * 60;
/** This many failures have no effect; each further one doubles the wait, starting with one second. */
const free = { pair: 5, address: 20, user: 100 } as const;
const maxWaitSeconds = 15 * 60;

type What = keyof typeof free;

/**
 * Wrong passwords, by user and address: guessing takes longer and longer. An attacker elsewhere does not lock out the real user: the limit
 * for a user over all addresses is higher, and does not apply to addresses from which the user has logged in before.
 */
export class LoginAttempts {
  readonly #failures = {
    pair: new RateLimiterMemory({ keyPrefix: "pair", points: free.pair, duration: memorySeconds }),
    address: new RateLimiterMemory({ keyPrefix: "address", points: free.address, duration: memorySeconds }),
    user: new RateLimiterMemory({ keyPrefix: "user", points: free.user, duration: memorySeconds }),
  };
  readonly #waits = new RateLimiterMemory({ keyPrefix: "wait", points: 1, duration: maxWaitSeconds });
  readonly #proven = new RateLimiterMemory({ keyPrefix: "proven", points: 1, duration: memorySeconds });

  /**
   * Counts an attempt as a failure until `succeeded`, so that attempts at the same time count each other.
   * @throws ApiError too_many_attempts
   */
  async begin(user: string, address: string): Promise<void> {
    const keys = this.#keys(user, address);
    if (await this.#proven.get(keys.pair)) keys.user = undefined;
    for (const [what, key] of Object.entries(keys)) {
      if (key === undefined) continue;
      const wait = await this.#waits.get(`${what}:${key}`);
      if (wait && wait.msBeforeNext > 0) throw tooMany(Math.ceil(wait.msBeforeNext / 1000));
    }
    for (const [what, key] of Object.entries(keys) as [What, string | undefined][]) {
      if (key === undefined) continue;
      const { consumedPoints } = await this.#failures[what].penalty(key);
      const over = consumedPoints - free[what];
      if (over >= 0)
        await this.#waits.block(`${what}:${key}`, Math.min(maxWaitSeconds, 2 ** Math.min(over, 30)));
    }
  }

  /** The password was right. */
  async succeeded(user: string, address: string): Promise<void> {
    const keys = this.#keys(user, address);
    await this.#failures.pair.delete(keys.pair);
    await this.#waits.delete(`pair:${keys.pair}`);
    // One failure less, because others may have caused failures too.
    for (const [what, key] of [
      ["address", keys.address],
      ["user", keys.user],
    ] as const) {
      if (key === undefined) continue;
      const { consumedPoints } = await this.#failures[what].reward(key);
      if (consumedPoints < free[what]) await this.#waits.delete(`${what}:${key}`);
    }
    await this.#proven.set(keys.pair, 1, memorySeconds);
  }

  #keys(user: string, address: string): { pair: string; address: string; user: string | undefined } {
    const network = networkOf(address);
    return { pair: `${user}@${network}`, address: network, user };
  }
}

function tooMany(retryAfterSeconds: number): ApiError {
  return new ApiError("too_many_attempts", `too many wrong passwords; try again in ${retryAfterSeconds} s`, {
    retryAfterSeconds,
  });
}
