import { accessLimits, type UserRecord } from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import type { AccessStore } from "./access-store.ts";
import type { LoginAttempts } from "./login-attempts.ts";
import { checkNobody, digest, fitsHash, makeSecret } from "./secrets.ts";

/** Checks passwords. */
export class Logins {
  readonly #store: AccessStore;
  readonly #attempts: LoginAttempts;

  constructor(store: AccessStore, attempts: LoginAttempts) {
    this.#store = store;
    this.#attempts = attempts;
  }

  /** The user with this name and password. @throws ApiError wrong_credentials, too_many_attempts */
  async check(name: string, password: string, address: string): Promise<UserRecord> {
    const user = this.#store.find("user", name);
    await this.#attempts.begin(name.slice(0, 254), address);
    const right =
      user?.passwordHash === undefined
        ? await checkNobody(password)
        : await fitsHash(user.passwordHash, password);
    if (!user || !right) throw new ApiError("wrong_credentials", "the user or the password is wrong");
    await this.#attempts.succeeded(name, address);
    await this.loggedIn(name);
    return user;
  }

  /** Records when a user last logged in, by any method. */
  async loggedIn(name: string): Promise<void> {
    const lastLoginTime = new Date().toISOString();
    await this.#store.update("user", name, (user) => ({ ...user, lastLoginTime }));
  }
}

/** Logins of browsers. The stored value is useless for logging in: it is the SHA-256 of the cookie's secret. */
export class Sessions {
  readonly #store: AccessStore;

  constructor(store: AccessStore) {
    this.#store = store;
  }

  /** Begins a session of a verified user, and returns the value of its cookie. */
  async begin(user: string): Promise<string> {
    const mine = this.#store
      .sessions()
      .filter(([, session]) => session.user === user)
      .sort(([, a], [, b]) => (a.lastUseTime < b.lastUseTime ? -1 : 1));
    for (const [hash] of mine.slice(0, Math.max(0, mine.length + 1 - accessLimits.maxSessionsOfUser)))
      await this.#store.delete("session", hash);
    const secret = makeSecret();
    const now = new Date().toISOString();
    await this.#store.create(digest(secret), { kind: "session", user, createTime: now, lastUseTime: now });
    return secret;
  }

  async end(secret: string): Promise<void> {
    const hash = digest(secret);
    if (this.#store.find("session", hash)) await this.#store.delete("session", hash);
  }

  /** Ends all sessions of a user except the one with this hash. */
  async endAllOf(user: string, but?: string): Promise<void> {
    for (const [hash, session] of this.#store.sessions())
      if (session.user === user && hash !== but) await this.#store.delete("session", hash);
  }
}
