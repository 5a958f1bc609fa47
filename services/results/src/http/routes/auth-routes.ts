import { type HttpAuth, httpAuthSchema, httpLoginSchema } from "@sightline/contracts";
import { z } from "zod";
import type { AccessParts } from "../../access/start-access.ts";
import { clearSessionCookie, sessionSecretOf, setSessionCookie } from "../access/cookies.ts";
import { errorAnswers } from "./api-error.ts";
import { oidcStartPath } from "./oidc-routes.ts";
import type { ApiApp } from "./parts.ts";

const tags = ["auth"];

/** The caller, and logging in and out. */
export function authRoutes(app: ApiApp, access: () => AccessParts): void {
  app.get(
    "/auth",
    {
      schema: {
        tags,
        operationId: "getAuth",
        summary: "Tells who calls, and how one may log in. Needs no login.",
        response: { 200: httpAuthSchema, ...errorAnswers },
      },
    },
    async ({ principal }): Promise<HttpAuth> => {
      const { identities, oidc } = access();
      const user = principal && {
        name: principal.name,
        role: principal.role,
        cameras: [...principal.cameras],
      };
      return {
        open: identities.open,
        ...(user && { user }),
        login: { password: true, ...(oidc && { oidc: { label: oidc.label, url: oidcStartPath } }) },
      };
    },
  );
  app.post(
    "/auth/login",
    {
      schema: {
        tags,
        operationId: "login",
        summary: "Logs a browser in: sets the cookie of a session.",
        body: httpLoginSchema,
        response: { 204: z.undefined().describe("Logged in."), ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { logins, sessions } = access();
      const { user, password } = request.body;
      await logins.check(user, password, request.ip);
      setSessionCookie(request, reply, await sessions.begin(user));
      return reply.code(204).send();
    },
  );
  app.post(
    "/auth/logout",
    {
      schema: {
        tags,
        operationId: "logout",
        summary: "Ends the browser's session.",
        response: { 204: z.undefined().describe("Logged out."), ...errorAnswers },
      },
    },
    async (request, reply) => {
      const secret = sessionSecretOf(request.headers.cookie);
      if (secret !== undefined) await access().sessions.end(secret);
      clearSessionCookie(request, reply);
      return reply.code(204).send();
    },
  );
}
