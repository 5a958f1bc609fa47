import type { Logger } from "@sightline/service";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { AccessParts, OidcParts } from "../../access/start-access.ts";
import { ApiError, OidcFault, type OidcFaultCode, ResultsError } from "../../errors.ts";
import { attemptCookie, attemptOf, setSessionCookie } from "../access/cookies.ts";
import { errorAnswers } from "./api-error.ts";
import type { ApiApp } from "./parts.ts";

const tags = ["auth"];
const callbackPath = "/api/v1/auth/oidc/callback";
export const oidcStartPath = "/api/v1/auth/oidc/start";
const found = { 302: z.undefined().describe("The address to go on at is in Location."), ...errorAnswers };

/** Logging in at an OpenID Connect provider. Errors are shown on the login page, because a person is waiting. */
export function oidcRoutes(app: ApiApp, access: () => AccessParts, log: Logger): void {
  const present = (): OidcParts => {
    const { oidc } = access();
    if (!oidc) throw new ApiError("route_not_found", "there is no login provider (SIGHTLINE_OIDC_ISSUER)");
    return oidc;
  };
  app.get(
    "/auth/oidc/start",
    {
      schema: {
        tags,
        operationId: "startOidcLogin",
        summary: "Sends a browser to the login provider. Needs no login.",
        querystring: z.object({
          to: z.string().max(2048).default("/").describe("Page of the console to go to afterwards."),
        }),
        response: found,
      },
    },
    async (request, reply) => {
      const { client, attempts, redirectUrl } = present();
      const to = ownPath(request.query.to);
      try {
        const callback = redirectUrl ?? `${request.protocol}://${request.host}${callbackPath}`;
        const { url, attempt } = await client.begin(callback, to);
        reply.header("set-cookie", attemptCookie(await attempts.seal(attempt), isSecure(callback)));
        return reply.redirect(url.href);
      } catch (error) {
        return reply.redirect(loginPage(told(error, request, log), to));
      }
    },
  );
  app.get(
    "/auth/oidc/callback",
    {
      schema: {
        tags,
        operationId: "finishOidcLogin",
        summary: "Where the login provider sends a browser back to: sets the cookie of a session.",
        // Providers may add any parameters.
        querystring: z.looseObject({}),
        response: found,
      },
    },
    async (request, reply) => {
      const { client, attempts, users } = present();
      const sealed = attemptOf(request.headers.cookie);
      const attempt = sealed === undefined ? undefined : await attempts.open(sealed);
      try {
        if (!attempt)
          throw new OidcFault("oidc_expired", "the browser has no login attempt that is still good");
        const search = request.url.slice(request.url.indexOf("?"));
        const name = await users.settle(await client.finish(search, attempt));
        const { sessions, logins } = access();
        await logins.loggedIn(name);
        request.audited = { user: name, detail: "at the login provider" };
        setSessionCookie(request, reply, await sessions.begin(name), isSecure(attempt.redirectUrl));
        return dropAttempt(reply, attempt.redirectUrl).redirect(attempt.to);
      } catch (error) {
        const fault = told(error, request, log);
        request.audited = { outcome: "denied", detail: `at the login provider: ${fault}` };
        const page = loginPage(fault, attempt?.to ?? "/");
        return dropAttempt(reply, attempt?.redirectUrl).redirect(page);
      }
    },
  );
}

/** The failure code for the login page; details go to the log. */
function told(error: unknown, request: FastifyRequest, log: Logger): OidcFaultCode {
  const isKnown = error instanceof ResultsError;
  log.warn(
    { address: request.ip, ...(!isKnown && { err: error }) },
    `a login at the provider failed: ${(error as Error)?.message}`,
  );
  return error instanceof OidcFault ? error.code : "oidc_failed";
}

/** An attempt can be used for one return only. */
function dropAttempt(reply: FastifyReply, redirectUrl: string | undefined): FastifyReply {
  return reply.header("set-cookie", attemptCookie("", redirectUrl !== undefined && isSecure(redirectUrl)));
}

function isSecure(redirectUrl: string): boolean {
  return redirectUrl.startsWith("https:");
}

function loginPage(fault: OidcFaultCode, to: string): string {
  return `/login?${new URLSearchParams({ fault, to })}`;
}

/** A path of this server; anything else in the address leads to the start page. */
function ownPath(to: string): string {
  const here = "http://here.invalid";
  const url = to.startsWith("/") ? URL.parse(to, here) : null;
  return url?.origin === here && !url.pathname.startsWith("/api/") ? url.pathname + url.search : "/";
}
