import { readFileSync } from "node:fs";
import { type Config, SettingError, setting } from "@sightline/service";
import { z } from "zod";
import { grantSchema, roleMappingsSchema } from "./role-mapping.ts";

/** https, or http on this machine only: a code and a secret are sent this way. */
function isSafe(text: string): boolean {
  const url = URL.parse(text);
  if (url?.username !== "" || url.hash !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}

/** Whether a URL's host name is this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

const safeUrl = z
  .string()
  .refine(isSafe, "expected https://HOST/…; http:// only for a provider on this machine")
  .optional();

/** How users log in at an OpenID Connect provider. */
export const oidcSettings = {
  oidcIssuer: {
    env: "SIGHTLINE_OIDC_ISSUER",
    schema: safeUrl,
    help: "issuer URL of the OpenID Connect provider that people may log in at",
  },
  oidcClientId: {
    env: "SIGHTLINE_OIDC_CLIENT_ID",
    schema: setting.optionalText(),
    help: "client id that the provider has given Sightline",
  },
  oidcClientSecretFile: {
    env: "SIGHTLINE_OIDC_CLIENT_SECRET_FILE",
    schema: setting.optionalText(),
    help: "file whose first line is the client secret that the provider has given Sightline",
  },
  oidcRedirectUrl: {
    env: "SIGHTLINE_OIDC_REDIRECT_URL",
    schema: safeUrl,
    help: "address that the provider sends people back to, https://HOST/api/v1/auth/oidc/callback, where it differs from the one that they called",
  },
  oidcLabel: {
    env: "SIGHTLINE_OIDC_LABEL",
    schema: setting.text("Log in with single sign-on"),
    help: "what the login page's button to the provider says",
  },
  oidcScopes: {
    env: "SIGHTLINE_OIDC_SCOPES",
    schema: setting.text("openid profile email"),
    help: "scopes that the provider is asked for, separated by spaces; openid is among them in any case",
  },
  oidcUserClaim: {
    env: "SIGHTLINE_OIDC_USER_CLAIM",
    schema: setting.text("preferred_username"),
    help: "claim that names the user; the provider's host is put behind a name without @",
  },
  oidcRoleClaim: {
    env: "SIGHTLINE_OIDC_ROLE_CLAIM",
    schema: setting.text("groups"),
    help: "claim that roles are taken from, as a name or a path (realm_access.roles)",
  },
  oidcRoles: {
    env: "SIGHTLINE_OIDC_ROLES",
    schema: roleMappingsSchema,
    help: "roles and cameras by value of that claim: VALUE=ROLE or VALUE=ROLE:CAMERA,CAMERA, separated by ';'",
  },
  oidcDefaultRole: {
    env: "SIGHTLINE_OIDC_DEFAULT_ROLE",
    schema: grantSchema,
    help: "ROLE or ROLE:CAMERA,CAMERA for users to whom no entry of SIGHTLINE_OIDC_ROLES applies; without it they cannot log in",
  },
} as const;

export type OidcSettings = Config<typeof oidcSettings>;

/** Settings of a configured provider. */
export interface OidcConfig
  extends Omit<OidcSettings, "oidcIssuer" | "oidcClientId" | "oidcClientSecretFile"> {
  issuer: URL;
  clientId: string;
  clientSecret: string;
}

/** The provider's settings; undefined when none is configured. @throws SettingError they are incomplete, or the secret cannot be read */
export function oidcConfigOf(settings: OidcSettings): OidcConfig | undefined {
  const { oidcIssuer, oidcClientId, oidcClientSecretFile, ...others } = settings;
  if (oidcIssuer === undefined) return undefined;
  for (const name of ["oidcClientId", "oidcClientSecretFile"] as const)
    if (settings[name] === undefined)
      throw new SettingError(
        `${oidcSettings[name].env} is not set: with SIGHTLINE_OIDC_ISSUER it must be (${oidcSettings[name].help})`,
      );
  const clientSecret = readSecret(oidcClientSecretFile!);
  return { ...others, issuer: new URL(oidcIssuer), clientId: oidcClientId!, clientSecret };
}

function readSecret(path: string): string {
  const fault = (why: string) => new SettingError(`SIGHTLINE_OIDC_CLIENT_SECRET_FILE = ${path}: ${why}`);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fault(`the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const secret = text.split("\n", 1)[0]!.trim();
  if (secret === "") throw fault("its first line is empty; it should be the client secret");
  return secret;
}
