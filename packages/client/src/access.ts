import { enumName, type RoleName, toTimestamp } from "@sightline/contracts";
import { AccessServiceClient, type AccessToken, Role, type User } from "@sightline/contracts/api";
import { type CallSettings, pages, type UnaryMethod } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";

/** Who calls, and what they may do. */
export interface WhoAmI {
  /** Whether everybody may do everything: there are no users, and the server is reachable only from its own machine. */
  open: boolean;
  name: string;
  role: RoleName;
  /** Camera ids, or beginnings of ids followed by `*`; `*` alone means all. */
  cameras: string[];
}

/** What a user may do. */
export interface UserSettings {
  role: RoleName;
  /** Camera ids, or beginnings of ids followed by `*`; all if not given. An admin sees all. */
  cameras?: readonly string[] | undefined;
}

/** What a token may do; fields that are not given are those of its creator. */
export interface TokenSettings extends Partial<UserSettings> {
  expireTime?: Date | undefined;
  /** Belongs to no user, and so remains valid after its creator is removed. Needs the role admin. */
  alone?: boolean | undefined;
}

/** A new token: `secret` is used for calls, and is shown only this once. */
export interface CreatedToken {
  token: AccessToken;
  secret: string;
}

/**
 * The caller, users and tokens. Every method throws SightlineError; `reason` is `permission_denied` when the role is not sufficient.
 *
 * @example
 * ```ts
 * await client.access.createUser("vera", { role: "viewer", cameras: ["yard-*"], password: "open sesame" });
 * const { secret } = await client.access.logIn("vera", "open sesame");
 * const vera = connect(address, { token: secret });
 * assert.deepEqual((await vera.access.whoAmI()).cameras, ["yard-*"]);
 * vera.close();
 * await client.access.deleteUser("vera");
 * ```
 */
export class Access {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async whoAmI(call: CallSettings = {}): Promise<WhoAmI> {
    const { role, ...rest } = await this.#call((client) => client.whoAmI, {}, call);
    return { ...rest, role: enumName(Role, role) as RoleName };
  }

  /**
   * A token for the user with this password; it lasts 30 days unless `expireTime` is given. UNAUTHENTICATED when user or password is
   * wrong.
   */
  async logIn(
    user: string,
    password: string,
    { name = "", expireTime, ...call }: CallSettings & { name?: string; expireTime?: Date } = {},
  ): Promise<CreatedToken> {
    const request = { user, password, displayName: name, expireTime: timestamp(expireTime) };
    return created(await this.#call((client) => client.createLoginToken, request, call));
  }

  async createUser(
    name: string,
    { role, cameras = [], password = "" }: UserSettings & { password?: string | undefined },
    call: CallSettings = {},
  ): Promise<User> {
    const user = { name: "", role: numberOf(role), cameras: [...cameras], hasPassword: false };
    const request = {
      userId: name,
      user: { ...user, createTime: undefined, lastLoginTime: undefined },
      password,
    };
    return present((await this.#call((client) => client.createUser, request, call)).user);
  }

  async *users(call: CallSettings = {}): AsyncGenerator<User, void> {
    const list = (request: { pageSize: number; pageToken: string }) =>
      this.#call((client) => client.listUsers, request, call);
    for await (const { users } of pages({ pageSize: 0 }, list)) yield* users;
  }

  /** Changes the given fields; the user's open connections end. FAILED_PRECONDITION for the last admin. */
  async updateUser(name: string, changes: Partial<UserSettings>, call: CallSettings = {}): Promise<User> {
    const { role, cameras } = changes;
    const updateMask = [...(role ? ["role"] : []), ...(cameras ? ["cameras"] : [])];
    const user = {
      name: `users/${name}`,
      role: role ? numberOf(role) : Role.UNSPECIFIED,
      cameras: [...(cameras ?? [])],
      hasPassword: false,
      createTime: undefined,
      lastLoginTime: undefined,
    };
    return present((await this.#call((client) => client.updateUser, { user, updateMask }, call)).user);
  }

  async deleteUser(name: string, call: CallSettings = {}): Promise<void> {
    await this.#call((client) => client.deleteUser, { name: `users/${name}` }, call);
  }

  /** `current` is the present password; users who set their own must give it. */
  async setPassword(name: string, password: string, current = "", call: CallSettings = {}): Promise<void> {
    await this.#call((client) => client.setPassword, { name: `users/${name}`, password, current }, call);
  }

  /** `name` says what the token is for. */
  async createToken(
    name: string,
    settings: TokenSettings = {},
    call: CallSettings = {},
  ): Promise<CreatedToken> {
    const { role, cameras = [], expireTime, alone = false } = settings;
    const token = {
      name: "",
      displayName: name,
      user: "",
      role: role ? numberOf(role) : Role.UNSPECIFIED,
      cameras: [...cameras],
      createTime: undefined,
      expireTime: timestamp(expireTime),
      lastUseTime: undefined,
    };
    return created(await this.#call((client) => client.createToken, { token, alone }, call));
  }

  /** Admins get all tokens, other users their own. */
  async *tokens(call: CallSettings = {}): AsyncGenerator<AccessToken, void> {
    const list = (request: { pageSize: number; pageToken: string }) =>
      this.#call((client) => client.listTokens, request, call);
    for await (const { tokens } of pages({ pageSize: 0 }, list)) yield* tokens;
  }

  /** Revokes a token by its id; connections opened with it end. */
  async deleteToken(id: string, call: CallSettings = {}): Promise<void> {
    await this.#call((client) => client.deleteToken, { name: `tokens/${id}` }, call);
  }

  #call<Request, Response>(
    method: (client: AccessServiceClient) => UnaryMethod<Request, Response>,
    request: Request,
    call: CallSettings,
  ): Promise<Response> {
    return this.#connection.call(AccessServiceClient, method, request, call);
  }
}

function numberOf(role: RoleName): Role {
  return Role[role.toUpperCase() as Uppercase<RoleName>];
}

function timestamp(time: Date | undefined) {
  return time && toTimestamp(time.getTime());
}

function created({ token, secret }: { token: AccessToken | undefined; secret: string }): CreatedToken {
  if (!token) throw new SightlineError("INTERNAL", "the server's answer has no token");
  return { token, secret };
}

function present(user: User | undefined): User {
  if (!user) throw new SightlineError("INTERNAL", "the server's answer has no user");
  return user;
}
