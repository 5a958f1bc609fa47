import type { UserRecord } from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";
import type { AccessStore } from "./access-store.ts";
import type { LoginAttempts } from "./login-attempts.ts";
import { checkNobody, fitsHash } from "./password-hash.ts";

/** Checks passwords. */
export class Logins {
  readonly #store: AccessStore;
  readonly #attempts: LoginAttempts;

  constructor(store: AccessStore, attempts: LoginAttempts) {
    this.#store = store;
    this.#attempts = attempts;
  }

  /** The user with this password. @throws ApiError wrong_credentials, too_many_attempts */
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

  /** Notes when a user last logged in, by whatever means. */
  async loggedIn(name: string): Promise<void> {
    const lastLoginTime = new Date().toISOString();
    await this.#store.update("user", name, (user) => ({ ...user, lastLoginTime }));
  }
}
