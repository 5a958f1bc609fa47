import {
  type HttpToken,
  type HttpUser,
  httpCreatedTokenSchema,
  httpNewTokenSchema,
  httpNewUserSchema,
  httpPasswordSchema,
  httpTokensSchema,
  httpUserChangesSchema,
  httpUserSchema,
  httpUsersSchema,
  type TokenRecord,
  type UserRecord,
} from "@sightline/contracts";
import { z } from "zod";
import type { AccessParts } from "../../access/start-access.ts";
import { requesterOf } from "../access/http-guard.ts";
import { errorAnswers } from "./api-error.ts";
import type { ApiApp } from "./parts.ts";

const users = { tags: ["users"] };
const tokens = { tags: ["tokens"] };
const userParams = z.object({ name: z.string().max(254).describe("Name of the user.") });

/** Users and tokens. */
export function userRoutes(app: ApiApp, access: () => AccessParts): void {
  app.get(
    "/users",
    {
      schema: {
        ...users,
        operationId: "listUsers",
        summary: "Lists all users by name.",
        response: { 200: httpUsersSchema, ...errorAnswers },
      },
    },
    async () => ({ users: access().users.list().map(toHttpUser) }),
  );
  app.post(
    "/users",
    {
      schema: {
        ...users,
        operationId: "createUser",
        summary: "Creates a user; without cameras, one who sees all.",
        body: httpNewUserSchema,
        response: { 201: httpUserSchema, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const user = await access().users.create(body);
      return reply.code(201).send(toHttpUser(user));
    },
  );
  app.patch(
    "/users/:name",
    {
      schema: {
        ...users,
        operationId: "updateUser",
        summary: "Changes a user's role or cameras; the user's open streams end.",
        params: userParams,
        body: httpUserChangesSchema,
        response: { 200: httpUserSchema, ...errorAnswers },
      },
    },
    async ({ params, body }) => toHttpUser(await access().users.update(params.name, body)),
  );
  app.delete(
    "/users/:name",
    {
      schema: {
        ...users,
        operationId: "deleteUser",
        summary: "Removes a user with all sessions and tokens.",
        params: userParams,
        response: { 204: z.undefined().describe("The user is removed."), ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await access().users.delete(params.name);
      return reply.code(204).send();
    },
  );
  app.post(
    "/users/:name/password",
    {
      schema: {
        ...users,
        operationId: "setPassword",
        summary: "Sets a user's password; to set your own, give the current one.",
        params: userParams,
        body: httpPasswordSchema,
        response: { 204: z.undefined().describe("The password is set."), ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { password, current } = request.body;
      await access().users.setPassword(
        requesterOf(request),
        request.params.name,
        { password, current },
        request.ip,
      );
      return reply.code(204).send();
    },
  );
  app.get(
    "/tokens",
    {
      schema: {
        ...tokens,
        operationId: "listTokens",
        summary: "Lists tokens: all of them to admins, their own to others.",
        response: { 200: httpTokensSchema, ...errorAnswers },
      },
    },
    async (request) => ({ tokens: access().tokens.list(requesterOf(request)).map(toHttpToken) }),
  );
  app.post(
    "/tokens",
    {
      schema: {
        ...tokens,
        operationId: "createToken",
        summary:
          "Creates a token, which is shown only once. Role and cameras that are not given are the caller's.",
        body: httpNewTokenSchema,
        response: { 201: httpCreatedTokenSchema, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { expireTime, ...given } = request.body;
      const { record, token } = await access().tokens.create(requesterOf(request), {
        ...given,
        expireTime: expireTime === undefined ? undefined : new Date(expireTime),
      });
      return reply.code(201).send({ ...toHttpToken(record), token });
    },
  );
  app.delete(
    "/tokens/:id",
    {
      schema: {
        ...tokens,
        operationId: "deleteToken",
        summary: "Revokes a token; what was opened with it ends.",
        params: z.object({ id: z.string().max(64).describe("Id of the token.") }),
        response: { 204: z.undefined().describe("The token is revoked."), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await access().tokens.delete(requesterOf(request), request.params.id);
      return reply.code(204).send();
    },
  );
}

/** A user as the API shows it. */
export function toHttpUser({
  name,
  role,
  cameras,
  passwordHash,
  createTime,
  lastLoginTime,
}: UserRecord): HttpUser {
  const user = { name, role, cameras, hasPassword: passwordHash !== undefined, createTime };
  return { ...user, ...(lastLoginTime !== undefined && { lastLoginTime }) };
}

/** A token as the API shows it, without its secret. */
export function toHttpToken(token: TokenRecord): HttpToken {
  const { kind: _kind, hash: _hash, login: _login, ...shown } = token;
  return shown;
}
