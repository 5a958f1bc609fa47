import type { Logger } from "@sightline/service";
import type { AccessStore } from "../access-store.ts";
import type { Users } from "../users.ts";
import { SealedAttempts } from "./login-attempt.ts";
import { OidcClient } from "./oidc-client.ts";
import type { OidcConfig } from "./oidc-settings.ts";
import { OidcUsers } from "./oidc-users.ts";

/** All about logging in at an OpenID Connect provider. */
export interface OidcParts {
  label: string;
  /** Address of the callback, where it is not the one that people call. */
  redirectUrl: string | undefined;
  client: OidcClient;
  attempts: SealedAttempts;
  users: OidcUsers;
}

export function startOidc(config: OidcConfig, users: Users, store: AccessStore, log: Logger): OidcParts {
  return {
    label: config.oidcLabel,
    redirectUrl: config.oidcRedirectUrl,
    client: new OidcClient(config, log),
    attempts: new SealedAttempts(config.clientSecret),
    users: new OidcUsers(config, users, store),
  };
}
