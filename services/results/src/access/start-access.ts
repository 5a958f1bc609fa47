import { readFileSync } from "node:fs";
import type { KV } from "@nats-io/kv";
import { isLoopback, type Lifecycle, type Logger, type Nats, SettingError } from "@sightline/service";
import { AccessStore } from "./access-store.ts";
import { AccessClock } from "./expiry.ts";
import { Identities } from "./identities.ts";
import { LoginAttempts } from "./login-attempts.ts";
import { Logins, Sessions } from "./logins.ts";
import { SealedAttempts } from "./oidc/login-attempt.ts";
import type { OidcClient } from "./oidc/oidc-client.ts";
import { type OidcConfig, type OidcSettings, oidcConfigOf } from "./oidc/oidc-settings.ts";
import { OidcUsers } from "./oidc/oidc-users.ts";
import { type ServiceTokenFile, ServiceTokens } from "./service-tokens.ts";
import { Tokens } from "./tokens.ts";
import { Users } from "./users.ts";

export interface AccessSettings extends OidcSettings {
  grpc: string;
  http: string;
  adminPasswordFile?: string | undefined;
  bridgesTokenFile?: string | undefined;
  metricsTokenFile?: string | undefined;
}

/** Everything that deals with callers and their permissions. */
export interface AccessParts {
  identities: Identities;
  users: Users;
  tokens: Tokens;
  sessions: Sessions;
  logins: Logins;
  /** Undefined when there is no login provider. */
  oidc: OidcParts | undefined;
}

/**
 * Reads users, tokens and sessions, and creates the first admin if a file has the password. With a login provider, access is never open:
 * people can log in without a password here.
 * @throws SettingError when the service would be open to the network, or a file cannot be read
 */
export async function startAccess(
  settings: AccessSettings,
  nats: Nats,
  kv: KV,
  log: Logger,
  life: Lifecycle,
): Promise<AccessParts> {
  const provider = oidcConfigOf(settings);
  const services = new ServiceTokens(serviceFiles(settings));
  const store = life.add(new AccessStore(nats, kv, log));
  await store.start();
  const attempts = new LoginAttempts();
  const logins = new Logins(store, attempts);
  const sessions = new Sessions(store);
  const users = new Users({ store, sessions, logins });
  if (settings.adminPasswordFile !== undefined) await makeFirstAdmin(users, settings.adminPasswordFile, log);

  const exposed = [settings.grpc, settings.http].filter((address) => !isLoopback(address));
  if (exposed.length > 0 && !store.hasUsers && !provider)
    throw new SettingError(
      `there is no user, and ${exposed.join(" and ")} can be reached from the network: everybody could do everything. ` +
        "Name a file with a password in SIGHTLINE_ADMIN_PASSWORD_FILE, which makes the user 'admin', " +
        "or start on 127.0.0.1 and make one with `sightline user add`",
    );
  const mayBeOpen = exposed.length === 0 && !provider;
  const identities = life.add(new Identities({ store, services, clock: new AccessClock(), mayBeOpen, log }));
  identities.start();
  if (identities.open)
    log.warn(
      "there is no user, so everybody on this machine may do everything; `sightline user add` ends that",
    );
  return {
    identities,
    users,
    tokens: new Tokens(store),
    sessions,
    logins,
    oidc: provider && (await startOidc(provider, users, store, log)),
  };
}

/** Existing users are not changed; the file is used only while there is no admin. */
async function makeFirstAdmin(users: Users, path: string, log: Logger): Promise<void> {
  let password: string;
  try {
    password = readFileSync(path, "utf8").split(/\r?\n/, 1)[0]?.trim() ?? "";
  } catch (error) {
    throw new SettingError(`SIGHTLINE_ADMIN_PASSWORD_FILE cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (users.list().some(({ role }) => role === "admin")) return;
  try {
    await users.create({ name: "admin", role: "admin", password });
  } catch (error) {
    // Another results process that is starting was faster.
    if (users.list().some(({ name }) => name === "admin")) return;
    throw new SettingError(`the user 'admin' cannot be made from ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  log.info({ file: path }, "the user 'admin' has been made; its password is in the file's first line");
}

function serviceFiles({ bridgesTokenFile, metricsTokenFile }: AccessSettings): ServiceTokenFile[] {
  return [
    ...(bridgesTokenFile === undefined
      ? []
      : [{ name: "bridges" as const, role: "operator" as const, path: bridgesTokenFile }]),
    ...(metricsTokenFile === undefined
      ? []
      : [{ name: "metrics" as const, role: "viewer" as const, path: metricsTokenFile }]),
  ];
}

/** Everything for logging in at an OpenID Connect provider. */
export interface OidcParts {
  label: string;
  /** Address of the callback, if it is not at the address that users call. */
  redirectUrl: string | undefined;
  client: OidcClient;
  attempts: SealedAttempts;
  users: OidcUsers;
}

/** Loads the OpenID Connect library, which most installations do not need. */
async function startOidc(
  config: OidcConfig,
  users: Users,
  store: AccessStore,
  log: Logger,
): Promise<OidcParts> {
  const { OidcClient } = await import("./oidc/oidc-client.ts");
  return {
    label: config.oidcLabel,
    redirectUrl: config.oidcRedirectUrl,
    client: new OidcClient(config, log),
    attempts: new SealedAttempts(config.clientSecret),
    users: new OidcUsers(config, users, store),
  };
}
