import {
  accessLimits,
  isCameraPattern,
  isUserName,
  type RoleName,
  type UserProvider,
  type UserRecord,
} from "@sightline/contracts";
import { nameHint } from "@sightline/service";
import { ApiError, throwFaults } from "../errors.ts";
import type { AccessStore } from "./access-store.ts";
import type { Logins, Sessions } from "./logins.ts";
import type { Principal } from "./principal.ts";
import { hashSecret } from "./secrets.ts";

export interface UserParts {
  store: AccessStore;
  sessions: Sessions;
  logins: Logins;
}

/** A user to create; without cameras, the user sees all. */
export interface NewUser {
  name: string;
  role: RoleName;
  cameras?: readonly string[] | undefined;
  password?: string | undefined;
  /** The provider that named the user, if no administrator added them. */
  provider?: UserProvider | undefined;
}

/** Users. Every method throws ApiError. */
export class Users {
  readonly #parts: UserParts;
  /** Changes are made one at a time, so that two changes cannot each remove one of the last two admins. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  list(): UserRecord[] {
    return this.#parts.store.users();
  }

  /** @throws ApiError user_not_found */
  get(name: string): UserRecord {
    const user = this.#parts.store.find("user", name);
    if (!user) {
      const names = this.list().map((each) => each.name);
      throw new ApiError(
        "user_not_found",
        `there is no user '${name.slice(0, 254)}'${nameHint(name, names)}`,
      );
    }
    return user;
  }

  create({ name, role, cameras = ["*"], password, provider }: NewUser): Promise<UserRecord> {
    return this.#inTurn(async () => {
      const { store } = this.#parts;
      throwFaults([
        ...fault(
          !isUserName(name),
          `the user's name is not valid; expected 1 to 64 characters of a-z, 0-9, '.', '_', '+' and '-', beginning with a letter or digit, and perhaps '@' and a host`,
        ),
        ...cameraFaults(role, cameras),
        ...passwordFaults(password),
      ]);
      if (!store.hasUsers && role !== "admin" && !provider)
        throw new ApiError(
          "invalid_argument",
          "there is no user yet: the first must be an admin, who makes the others",
        );
      if (store.users().length >= accessLimits.maxUsers)
        throw new ApiError("invalid_argument", `there are ${accessLimits.maxUsers} users, which is the most`);
      const record: UserRecord = {
        kind: "user",
        name,
        role,
        cameras: [...cameras],
        ...(password !== undefined && { passwordHash: await hashSecret(password) }),
        ...(provider && { provider }),
        createTime: new Date().toISOString(),
      };
      if (!(await store.create(name, record)))
        throw new ApiError("user_exists", `there is a user '${name}' already`);
      return record;
    });
  }

  update(
    name: string,
    changes: { role?: RoleName | undefined; cameras?: readonly string[] | undefined },
  ): Promise<UserRecord> {
    return this.#inTurn(async () => {
      const before = this.get(name);
      const role = changes.role ?? before.role;
      // A new admin sees all cameras, unless the change says otherwise, which is refused.
      const cameras = changes.cameras ?? (role === "admin" ? ["*"] : before.cameras);
      throwFaults(cameraFaults(role, cameras));
      if (role !== "admin") this.#keepAnAdmin(before);
      const written = await this.#parts.store.update("user", name, (user) => ({
        ...user,
        role,
        cameras: [...cameras],
      }));
      if (!written) throw new ApiError("etag_mismatch", `user '${name}' was changed meanwhile; try again`);
      return this.get(name);
    });
  }

  /** Removes a user with all sessions and tokens. */
  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const { store, sessions } = this.#parts;
      this.#keepAnAdmin(this.get(name));
      await store.delete("user", name);
      await sessions.endAllOf(name);
      for (const token of store.tokens()) if (token.user === name) await store.delete("token", token.id);
    });
  }

  /**
   * Sets a password. Users set their own and must give the old one; admins set anybody's. Ends the user's other sessions, and the tokens of
   * logins.
   */
  async setPassword(
    caller: Principal,
    name: string,
    { password, current }: { password: string; current?: string | undefined },
    address: string,
  ): Promise<void> {
    throwFaults(passwordFaults(password));
    const own = caller.user === name;
    if (!own && !caller.mayAs("admin"))
      throw new ApiError(
        "permission_denied",
        "this needs the role admin; you may set your own password only",
      );
    const user = this.get(name);
    const { store, sessions, logins } = this.#parts;
    if (own && user.passwordHash !== undefined) {
      if (current === undefined)
        throw new ApiError(
          "invalid_argument",
          "to change your own password, give the current one as `current`",
        );
      await logins.check(name, current, address);
    } else if (own && !caller.mayAs("admin") && store.madeToken(caller.token)) {
      // Otherwise, a token with few cameras, of a user known by a login provider, could get all of its user's permissions.
      throw new ApiError("permission_denied", "a token may not set its user's first password; log in for it");
    }
    const passwordHash = await hashSecret(password);
    if (!(await store.update("user", name, (record) => ({ ...record, passwordHash }))))
      throw new ApiError("etag_mismatch", `user '${name}' was changed meanwhile; try again`);
    await sessions.endAllOf(name, own ? caller.session : undefined);
    for (const token of store.tokens())
      if (token.user === name && token.login && token.id !== caller.token)
        await store.delete("token", token.id);
  }

  #keepAnAdmin({ name, role }: UserRecord): void {
    if (role !== "admin") return;
    const others = this.list().some((user) => user.role === "admin" && user.name !== name);
    if (!others)
      throw new ApiError("last_admin", `'${name}' is the last admin; make another user an admin first`);
  }

  #inTurn<R>(task: () => Promise<R>): Promise<R> {
    const mine = this.#turn.catch(() => undefined).then(task);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function fault(isWrong: boolean, message: string): ApiError[] {
  return isWrong ? [new ApiError("invalid_argument", message)] : [];
}

/** What is wrong with the cameras of a user or token. */
export function cameraFaults(role: RoleName, cameras: readonly string[]): ApiError[] {
  const odd = cameras.filter((pattern) => !isCameraPattern(pattern));
  return [
    ...fault(cameras.length === 0, "cameras is empty; expected ids of cameras, or '*' for all"),
    ...fault(
      cameras.length > accessLimits.maxPatterns,
      `cameras has ${cameras.length} entries; the most is ${accessLimits.maxPatterns}`,
    ),
    ...fault(
      odd.length > 0,
      `cameras has '${odd[0]?.slice(0, 64)}'; expected an id, a beginning of ids with '*' behind it (yard-*), a label (site=north), or '*'`,
    ),
    ...fault(
      role === "admin" && !cameras.includes("*"),
      "an admin sees all cameras; take the role operator for one who does not",
    ),
  ];
}

function passwordFaults(password: string | undefined): ApiError[] {
  const { minPasswordLength, maxPasswordLength } = accessLimits;
  return [
    ...fault(
      password !== undefined && password.length < minPasswordLength,
      `the password is too short; expected at least ${minPasswordLength} characters`,
    ),
    ...fault(
      (password?.length ?? 0) > maxPasswordLength,
      `the password is too long; the most is ${maxPasswordLength} characters`,
    ),
  ];
}
