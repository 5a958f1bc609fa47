import type { Logger } from "@sightline/service";
import * as openid from "openid-client";
import { OidcFault } from "../../errors.ts";
import type { LoginAttempt } from "./login-attempt.ts";
import { isLoopbackHost, type OidcConfig } from "./oidc-settings.ts";
import { claimValues } from "./role-mapping.ts";

/** The provider's claims about a user. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

/** How long the provider may take to answer. */
const answerSeconds = 10;
/** Provider metadata is requested again after this time: its keys may change, and an outage is then noticed before a user is sent there. */
const discoveryMs = 15_000;
/** After a failure, the provider is asked again after this time. */
const retryMs = 2_000;
/** Clocks may differ by this much. */
const skewSeconds = 30;

/** Logs users in at an OpenID Connect provider: authorization code with PKCE, state and nonce. */
export class OidcClient {
  readonly #config: OidcConfig;
  readonly #log: Logger;
  #discovered: { at: number; provider: Promise<openid.Configuration> } | undefined;

  constructor(config: OidcConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** The address at the provider to send the user to, and what is needed when they return. @throws OidcFault */
  async begin(redirectUrl: string, to: string): Promise<{ url: URL; attempt: LoginAttempt }> {
    const provider = await this.#provider();
    const attempt = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
      redirectUrl,
      to,
    };
    const scopes = new Set(["openid", ...this.#config.oidcScopes.split(/\s+/)]);
    const url = openid.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUrl,
      scope: [...scopes].join(" "),
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: "S256",
    });
    return { url, attempt };
  }

  /** The claims of a user who returned; `search` is the query that the provider added to the address. @throws OidcFault */
  async finish(search: string, attempt: LoginAttempt): Promise<Claims> {
    const query = new URLSearchParams(search);
    if (query.get("state") !== attempt.state)
      throw new OidcFault("oidc_expired", "the state does not belong to the login that this browser began");
    const provider = await this.#provider();
    try {
      const tokens = await openid.authorizationCodeGrant(provider, new URL(search, attempt.redirectUrl), {
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        pkceCodeVerifier: attempt.verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      return await this.#complete(provider, tokens.access_token, claims);
    } catch (error) {
      throw faultOf(error);
    }
  }

  /** Providers may leave groups and names out of the ID token; the userinfo endpoint then returns them. */
  async #complete(provider: openid.Configuration, accessToken: string, claims: Claims): Promise<Claims> {
    const { oidcUserClaim, oidcRoleClaim } = this.#config;
    const wanted = [oidcUserClaim, oidcRoleClaim];
    const isComplete = wanted.every((claim) => claimValues(claims, claim).length > 0);
    if (isComplete || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more = await openid.fetchUserInfo(provider, accessToken, claims.sub);
    return { ...more, ...claims };
  }

  #provider(): Promise<openid.Configuration> {
    if (!this.#discovered || Date.now() - this.#discovered.at > discoveryMs) {
      const discovered = { at: Date.now(), provider: this.#discover() };
      this.#discovered = discovered;
      discovered.provider.catch(() => {
        discovered.at += retryMs - discoveryMs;
      });
    }
    return this.#discovered.provider;
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#config;
    const isLocal = isLoopbackHost(issuer.hostname);
    try {
      const provider = await openid.discovery(
        issuer,
        clientId,
        { [openid.clockTolerance]: skewSeconds },
        openid.ClientSecretBasic(clientSecret),
        { timeout: answerSeconds, execute: isLocal ? [openid.allowInsecureRequests] : [] },
      );
      this.#log.info({ issuer: issuer.href }, "the login provider is known");
      return provider;
    } catch (error) {
      throw new OidcFault(
        "oidc_unavailable",
        `the login provider ${issuer.href} gives no configuration: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** The failure code for a failed exchange, for the user who wanted to log in. */
function faultOf(error: unknown): OidcFault {
  const options = { cause: error };
  if (error instanceof OidcFault) return error;
  if (error instanceof openid.AuthorizationResponseError)
    return error.error === "access_denied"
      ? new OidcFault("oidc_refused", "the login provider refused the login", options)
      : new OidcFault("oidc_failed", `the login provider answered: ${error.error}`, options);
  if (error instanceof openid.ResponseBodyError)
    return error.error === "invalid_grant"
      ? new OidcFault("oidc_expired", "the login provider does not accept the code (any more)", options)
      : new OidcFault("oidc_failed", `the login provider answered: ${error.error}`, options);
  const reason = reasonOf(error);
  return isUnreachable(error)
    ? new OidcFault("oidc_unavailable", `the login provider does not answer: ${reason}`, options)
    : new OidcFault("oidc_failed", `the login provider's answer was not accepted: ${reason}`, options);
}

/** The chain of causes of an error, itself first. */
function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}

function reasonOf(error: unknown): string {
  const texts = causes(error).map((one) => (one as NodeJS.ErrnoException).code ?? one.message);
  return texts.join(": ") || String(error);
}

/** `fetch` fails with a TypeError when there is no answer, and with a TimeoutError when it takes too long. */
function isUnreachable(error: unknown): boolean {
  return causes(error).some(
    (one) => one.name === "TimeoutError" || (one instanceof TypeError && one.message === "fetch failed"),
  );
}
