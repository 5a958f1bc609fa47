import {
  type AuditRecordJson,
  fromTimestamp,
  type RoleName,
  roles,
  type Timestamp,
  type TokenRecord,
  toTimestamp,
  type UserRecord,
} from "@sightline/contracts";
import {
  type AccessServiceServer,
  AccessToken,
  AuditOutcome,
  AuditRecord,
  type AuditServiceServer,
  Role,
  User,
} from "@sightline/contracts/api";
import type { AuditHistory } from "../access/audit-history.ts";
import type { AccessParts } from "../access/start-access.ts";
import { ApiError } from "../errors.ts";
import { endOfTime } from "../feeds/start-position.ts";
import { cutPage, readPage } from "../history/page-token.ts";
import type { GrpcCalls } from "./grpc-calls.ts";
import { callerOf } from "./grpc-guard.ts";

/** How long a login's token is valid by default, in milliseconds. */
const loginTokenMs = 30 * 24 * 60 * 60_000;

/** AccessService over gRPC. */
export function accessHandlers(calls: GrpcCalls, access: AccessParts): AccessServiceServer {
  const { identities, users, tokens, logins } = access;
  return {
    whoAmI: calls.unary("WhoAmI", async (_request, { principal }) => {
      if (!principal)
        throw new ApiError("unauthenticated", "the call does not say who calls; log in or give a token");
      const { name, role, cameras } = principal;
      return { open: identities.open, name, role: toRole(role), cameras: [...cameras] };
    }),
    createLoginToken: calls.unary("CreateLoginToken", async (request, { address }) => {
      const { user, password, displayName, expireTime } = request;
      const known = await logins.check(user, password, address);
      const expires = readTime(expireTime) ?? new Date(Date.now() + loginTokenMs);
      const { record, token } = await tokens.createByLogin(known, displayName || "login", expires);
      return { token: toTokenMessage(record), secret: token };
    }),
    createUser: calls.unary("CreateUser", async ({ userId, user = User.create(), password }) => {
      const role = readRole(user.role);
      const cameras = user.cameras.length > 0 ? user.cameras : undefined;
      const given = { name: userId, role, cameras, password: password === "" ? undefined : password };
      return { user: toUserMessage(await users.create(given)) };
    }),
    listUsers: calls.unary("ListUsers", async ({ pageSize, pageToken }) => {
      const all = new Map(users.list().map((user) => [user.name, user]));
      const { keys, nextPageToken } = cutPage([...all.keys()], readPage(pageSize, pageToken));
      return { users: keys.map((name) => toUserMessage(all.get(name)!)), nextPageToken };
    }),
    updateUser: calls.unary("UpdateUser", async ({ user = User.create(), updateMask }) => {
      const paths = updateMask?.length ? updateMask : ["role", "cameras"];
      const odd = paths.find((path) => path !== "role" && path !== "cameras");
      if (odd !== undefined)
        throw new ApiError("invalid_argument", `update_mask has '${odd}'; expected role or cameras`);
      const changes = {
        role: paths.includes("role") ? readRole(user.role) : undefined,
        cameras: paths.includes("cameras") ? user.cameras : undefined,
      };
      return { user: toUserMessage(await users.update(readUserName(user.name), changes)) };
    }),
    deleteUser: calls.unary("DeleteUser", async ({ name }) => {
      await users.delete(readUserName(name));
      return {};
    }),
    setPassword: calls.unary("SetPassword", async ({ name, password, current }, caller) => {
      const given = { password, current: current === "" ? undefined : current };
      await users.setPassword(callerOf(caller), readUserName(name), given, caller.address);
      return {};
    }),
    createToken: calls.unary("CreateToken", async ({ token = AccessToken.create(), alone }, caller) => {
      const created = await tokens.create(callerOf(caller), {
        name: token.displayName,
        role: token.role === Role.UNSPECIFIED ? undefined : readRole(token.role),
        cameras: token.cameras.length > 0 ? token.cameras : undefined,
        expireTime: readTime(token.expireTime),
        alone,
      });
      return { token: toTokenMessage(created.record), secret: created.token };
    }),
    listTokens: calls.unary("ListTokens", async ({ pageSize, pageToken }, caller) => {
      const seen = new Map(tokens.list(callerOf(caller)).map((token) => [token.id, token]));
      const { keys, nextPageToken } = cutPage([...seen.keys()], readPage(pageSize, pageToken));
      return { tokens: keys.map((id) => toTokenMessage(seen.get(id)!)), nextPageToken };
    }),
    deleteToken: calls.unary("DeleteToken", async ({ name }, caller) => {
      const id = /^tokens\/([a-z0-9]{1,32})$/.exec(name)?.[1];
      if (id === undefined)
        throw new ApiError("invalid_argument", "the token's name is not valid; expected tokens/{token}");
      await tokens.delete(callerOf(caller), id);
      return {};
    }),
  };
}

const roleNumbers = { viewer: Role.VIEWER, operator: Role.OPERATOR, admin: Role.ADMIN } as const;

function toRole(role: RoleName): Role {
  return roleNumbers[role];
}

function readRole(role: Role): RoleName {
  const name = roles.find((each) => roleNumbers[each] === role);
  if (!name)
    throw new ApiError(
      "invalid_argument",
      "role is not set; expected ROLE_VIEWER, ROLE_OPERATOR or ROLE_ADMIN",
    );
  return name;
}

function readUserName(name: string): string {
  const id = /^users\/(.+)$/.exec(name)?.[1];
  if (id === undefined)
    throw new ApiError("invalid_argument", "the user's name is not valid; expected users/{user}");
  return id;
}

function readTime(time: Timestamp | undefined): Date | undefined {
  if (!time) return undefined;
  const ms = fromTimestamp(time);
  if (!(ms >= 0 && ms < endOfTime))
    throw new ApiError("invalid_argument", "expire_time is out of range; expected a time to come");
  return new Date(ms);
}

function toUserMessage(user: UserRecord): User {
  return {
    name: `users/${user.name}`,
    role: toRole(user.role),
    cameras: user.cameras,
    hasPassword: user.passwordHash !== undefined,
    createTime: timeOf(user.createTime),
    lastLoginTime: timeOf(user.lastLoginTime),
  };
}

function toTokenMessage(token: TokenRecord): AccessToken {
  return {
    name: `tokens/${token.id}`,
    displayName: token.name,
    user: token.user === undefined ? "" : `users/${token.user}`,
    role: toRole(token.role),
    cameras: token.cameras,
    createTime: timeOf(token.createTime),
    expireTime: timeOf(token.expireTime),
    lastUseTime: timeOf(token.lastUseTime),
  };
}

function timeOf(text: string | undefined): Timestamp | undefined {
  return text === undefined ? undefined : toTimestamp(Date.parse(text));
}

const auditOutcomes = {
  ok: AuditOutcome.OK,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
} as const;

/** AuditService over gRPC. */
export function auditHandlers(calls: GrpcCalls, history: AuditHistory): AuditServiceServer {
  return {
    listAuditRecords: calls.unary("ListAuditRecords", async ({ startTime, endTime, ...query }) => {
      const { records, nextPageToken } = await history.list({
        ...query,
        from: startTime && fromTimestamp(startTime),
        to: endTime && fromTimestamp(endTime),
      });
      return { records: records.map(toAuditMessage), nextPageToken };
    }),
  };
}

function toAuditMessage({ time, outcome, ...rest }: AuditRecordJson): AuditRecord {
  return AuditRecord.fromPartial({
    ...rest,
    time: toTimestamp(Date.parse(time)),
    outcome: auditOutcomes[outcome],
  });
}
