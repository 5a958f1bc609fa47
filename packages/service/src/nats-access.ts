import { readFileSync } from "node:fs";
import {
  AuthorizationError,
  type ConnectionOptions,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { inboxPrefix } from "@sightline/contracts";
import { natsSettings } from "./config.ts";
import { SettingError } from "./errors.ts";
import { redact } from "./log.ts";

/** The address of NATS and our identity there, as in `natsSettings`. Files are read again at each connection. */
export interface NatsAccess {
  natsUrl: string;
  natsNkeyFile?: string | undefined;
  natsCredsFile?: string | undefined;
  natsCaFile?: string | undefined;
  natsCertFile?: string | undefined;
  natsKeyFile?: string | undefined;
}

const files = ["natsNkeyFile", "natsCredsFile", "natsCaFile", "natsCertFile", "natsKeyFile"] as const;
type FileSetting = (typeof files)[number];

const prefixes = new WeakMap<NatsConnection, string>();

/** Remembers the identity of this connection, for `newInbox`. */
export function belongsTo(connection: NatsConnection, identity: string): void {
  prefixes.set(connection, inboxPrefix(identity));
}

/** Whether the server belongs to a cluster. One that only has a leaf node connection gives its own name as the cluster's. */
export function isClustered({ info }: Pick<NatsConnection, "info">): boolean {
  return info?.cluster !== undefined && info.cluster !== info.server_name;
}

/** A subject for answers that only this connection's identity may subscribe to. */
export function newInbox(connection: NatsConnection): string {
  return createInbox(prefixes.get(connection));
}

/**
 * Servers, login and TLS for a connection of `identity`.
 * @throws SettingError two logins are given, a file cannot be read, or the certificate or its key is missing
 */
export function accessOptions(access: NatsAccess, identity: string): ConnectionOptions {
  for (const key of files) if (access[key] !== undefined) readSetting(access, key);
  const { natsNkeyFile, natsCredsFile, natsCaFile: caFile, natsCertFile, natsKeyFile } = access;
  if (natsNkeyFile && natsCredsFile)
    throw new SettingError(
      `${natsSettings.natsNkeyFile.env} and ${natsSettings.natsCredsFile.env} are both set: set only the one that the NATS server accepts`,
    );
  if (Boolean(natsCertFile) !== Boolean(natsKeyFile))
    throw new SettingError(
      `${natsSettings.natsCertFile.env} and ${natsSettings.natsKeyFile.env} must both be set, but only one is set`,
    );
  const urls = access.natsUrl.split(",").map((url) => url.trim());
  const encrypted = caFile || natsCertFile || urls.some((url) => url.startsWith("tls://"));
  return {
    servers: urls.map(withoutLogin),
    ...loginIn(urls),
    inboxPrefix: inboxPrefix(identity),
    ...(natsNkeyFile && { authenticator: nkeyAuthenticator(() => keyIn(access, "natsNkeyFile")) }),
    ...(natsCredsFile && { authenticator: credsAuthenticator(() => keyIn(access, "natsCredsFile")) }),
    ...(encrypted && {
      tls: {
        ...(caFile && { caFile }),
        ...(natsCertFile && natsKeyFile && { certFile: natsCertFile, keyFile: natsKeyFile }),
      },
    }),
  };
}

/** Why a server refuses the connection, and what to do; undefined for other errors. */
export function refusal(error: unknown, access: NatsAccess): string | undefined {
  if (!(error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError))
    return undefined;
  const key = (["natsNkeyFile", "natsCredsFile"] as const).find((name) => access[name] !== undefined);
  const where = redact(access.natsUrl);
  if (key)
    return `NATS at ${where} does not accept the key in ${natsSettings[key].env} = ${access[key]}: the server does not know this key; run \`sightline nats keys\` and reload the server's configuration (docs/security.md)`;
  return `NATS at ${where} asks for a key: set ${natsSettings.natsNkeyFile.env} to this service's key (docs/security.md)`;
}

function keyIn(access: NatsAccess, key: FileSetting): Uint8Array {
  return new TextEncoder().encode(readSetting(access, key).trim());
}

function readSetting(access: NatsAccess, key: FileSetting): string {
  const path = access[key]!;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new SettingError(
      `${natsSettings[key].env} = ${path}: the file cannot be read (${why}); this does not change the server's data`,
      { cause: error },
    );
  }
}

function withoutLogin(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/]*@/i, "$1");
}

/** The user and password, or the token, in the first URL that has one. */
function loginIn(urls: readonly string[]): Pick<ConnectionOptions, "user" | "pass" | "token"> {
  for (const text of urls) {
    const url = URL.parse(text);
    if (!url?.username) continue;
    const user = decodeURIComponent(url.username);
    return url.password ? { user, pass: decodeURIComponent(url.password) } : { token: user };
  }
  return {};
}
