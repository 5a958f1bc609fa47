import type { SessionRecord, TokenRecord } from "@sightline/contracts";

/** A login ends after this long without use, and at the latest after `sessionMs`. */
export const sessionIdleMs = 12 * 60 * 60_000;
export const sessionMs = 30 * 24 * 60 * 60_000;

/**
 * The time for the expiry of logins and tokens, in milliseconds. It never goes back while the process runs: a clock that is set back gives
 * nobody more time, and what has expired stays expired.
 */
export class AccessClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  readonly #start: number;

  constructor(wall: () => number = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#start = wall() - monotonic();
  }

  now(): number {
    return Math.max(this.#wall(), this.#start + this.#monotonic());
  }
}

/** When a token expires, in milliseconds since 1970; Infinity for one that does not. */
export function tokenEnd({ expireTime }: Pick<TokenRecord, "expireTime">): number {
  return expireTime === undefined ? Infinity : Date.parse(expireTime);
}

/** When a login ends even if it is used, in milliseconds since 1970. */
export function sessionEnd({ createTime }: Pick<SessionRecord, "createTime">): number {
  return Date.parse(createTime) + sessionMs;
}

/** Whether a login has ended. */
export function isSessionExpired(session: SessionRecord, now: number): boolean {
  return sessionEnd(session) <= now || Date.parse(session.lastUseTime) + sessionIdleMs <= now;
}
