import { accessLimits, mayAs, type RoleName, type TokenRecord } from "@sightline/contracts";
import { ApiError, throwFaults } from "../errors.ts";
import type { AccessStore } from "./access-store.ts";
import { covers } from "./camera-scope.ts";
import type { Principal } from "./principal.ts";
import { formatToken, hashSecret, makeToken } from "./secrets.ts";
import { cameraFaults } from "./users.ts";

/** A token to create; missing fields are taken from its creator. */
export interface NewToken {
  name: string;
  role?: RoleName | undefined;
  cameras?: readonly string[] | undefined;
  expireTime?: Date | undefined;
  /** It belongs to no user. */
  alone?: boolean | undefined;
}

/** Tokens. Every method throws ApiError. */
export class Tokens {
  readonly #store: AccessStore;

  constructor(store: AccessStore) {
    this.#store = store;
  }

  /** Admins get all tokens, others only their own. */
  list(caller: Principal): TokenRecord[] {
    const made = this.#store.madeToken(caller.token);
    return this.#store
      .tokens()
      .filter((token) => isOf(token, caller, made))
      .map((token) => {
        // A login's token has its user's permissions.
        const user = token.login && token.user !== undefined && this.#store.find("user", token.user);
        return user ? { ...token, role: user.role, cameras: user.cameras } : token;
      });
  }

  async create(caller: Principal, given: NewToken): Promise<{ record: TokenRecord; token: string }> {
    const last = this.#store.madeToken(caller.token)?.expireTime;
    const { name, role = caller.role, cameras = caller.cameras, alone = false } = given;
    const expireTime = given.expireTime ?? (last === undefined ? undefined : new Date(last));
    throwFaults(cameraFaults(role, cameras));
    if (!mayAs(caller.role, role) || !covers(caller.scope, cameras))
      throw new ApiError(
        "permission_denied",
        "a token may not do more than its maker: ask for a lesser role, or for cameras that you see",
      );
    if (last !== undefined && expireTime!.getTime() > Date.parse(last))
      throw new ApiError(
        "permission_denied",
        `a token may not last longer than the one that makes it: ask for an end until ${last}, or log in`,
      );
    if ((alone || caller.user === undefined) && !caller.mayAs("admin"))
      throw new ApiError("permission_denied", "a token that belongs to no user needs the role admin");
    return this.#make({ name, role, cameras, expireTime }, alone ? undefined : caller.user, false);
  }

  /** Creates a token for a user who has just been verified. */
  async createByLogin(
    user: { name: string; role: RoleName; cameras: readonly string[] },
    name: string,
    expireTime: Date,
  ): Promise<{ record: TokenRecord; token: string }> {
    return this.#make({ name, role: user.role, cameras: user.cameras, expireTime }, user.name, true);
  }

  async delete(caller: Principal, id: string): Promise<void> {
    const token = this.#store.find("token", id);
    if (!token || !isOf(token, caller, this.#store.madeToken(caller.token)))
      throw new ApiError("token_not_found", `there is no token '${id.slice(0, 64)}'`);
    await this.#store.delete("token", id);
  }

  async #make(
    { name, role, cameras, expireTime }: NewToken & { role: RoleName; cameras: readonly string[] },
    user: string | undefined,
    login: boolean,
  ): Promise<{ record: TokenRecord; token: string }> {
    if (name.length === 0 || name.length > accessLimits.maxLabelLength)
      throw new ApiError(
        "invalid_argument",
        `the token needs a name of 1 to ${accessLimits.maxLabelLength} characters that says what it is for`,
      );
    if (expireTime && !(expireTime.getTime() > Date.now()))
      throw new ApiError("invalid_argument", "the token would have expired already; expected a time to come");
    const all = this.#store.tokens();
    const its = all.filter((token) => token.user === user);
    if (
      all.length >= accessLimits.maxTokens ||
      (user !== undefined && its.length >= accessLimits.maxTokensOfUser)
    ) {
      // Repeated logins must not end in a login that is refused.
      const oldest = login
        ? its.filter((token) => token.login).sort((a, b) => (a.createTime < b.createTime ? -1 : 1))[0]
        : undefined;
      if (!oldest)
        throw new ApiError(
          "invalid_argument",
          `there are ${its.length} tokens, which is the most; revoke one that is not needed`,
        );
      await this.#store.delete("token", oldest.id);
    }
    const parts = makeToken();
    const record: TokenRecord = {
      kind: "token",
      id: parts.id,
      name,
      ...(user !== undefined && { user }),
      role,
      cameras: [...cameras],
      ...(login && { login }),
      hash: await hashSecret(parts.secret),
      createTime: new Date().toISOString(),
      ...(expireTime && { expireTime: expireTime.toISOString() }),
    };
    if (!(await this.#store.create(parts.id, record)))
      throw new ApiError("access_unavailable", "the token could not be stored; try again");
    return { record, token: formatToken(parts) };
  }
}

/**
 * Whether the caller may see and revoke the token. A caller with a created token may do so only for that token and for tokens with no more
 * permissions.
 */
function isOf(token: TokenRecord, caller: Principal, made: TokenRecord | undefined): boolean {
  if (caller.mayAs("admin")) return true;
  if (caller.user === undefined || token.user !== caller.user) return false;
  return (
    !made || token.id === made.id || (mayAs(caller.role, token.role) && covers(caller.scope, token.cameras))
  );
}
