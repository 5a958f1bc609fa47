import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isLoopback, redact, writePrivateFile } from "@sightline/service";
import type { StackPorts } from "./stack-layout.ts";

const variable = "SIGHTLINE_ADMIN_PASSWORD_FILE";

/**
 * Settings for a results service that other machines can reach: the file with the password of its first admin. The file is created in the
 * data directory unless the environment names one. No settings while all addresses are on this machine.
 */
export function adminPassword(directory: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = process.env[variable];
  if (given) return { [variable]: resolve(given) };
  const addresses = [env.SIGHTLINE_GRPC, env.SIGHTLINE_RESULTS_HTTP];
  if (addresses.every((address) => !address || isLoopback(address))) return {};
  const path = join(directory, "admin-password");
  if (!existsSync(path)) writePrivateFile(path, `${randomBytes(18).toString("base64url")}\n`);
  return { [variable]: path };
}

const variables = {
  nats: "SIGHTLINE_NATS_URL",
  grpc: "SIGHTLINE_GRPC",
  results: "SIGHTLINE_RESULTS_HTTP",
  analysis: "SIGHTLINE_ANALYSIS_HTTP",
  ingest: "SIGHTLINE_INGEST_HTTP",
  inference: "SIGHTLINE_INFERENCE_HTTP",
  bridges: "SIGHTLINE_BRIDGES_HTTP",
} as const satisfies Record<keyof StackPorts | "bridges", string>;

/** Settings for a private stack: TLS settings that are meant for a public server do not apply to it. */
export const withoutTls = {
  SIGHTLINE_TLS_CERT_FILE: "",
  SIGHTLINE_TLS_KEY_FILE: "",
  SIGHTLINE_TLS_CLIENT_CA_FILE: "",
} as const;

/** A part whose address a setting gives. */
export type Part = keyof typeof variables;

/** A TCP address from a setting; an IPv6 host is without brackets. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
  /** The address as it was given; it may hold a password. */
  readonly given: string;
}

/**
 * The addresses in a part's setting: one, or for NATS each server of the list; none when the setting is not set.
 * @throws RangeError that names the variable, without a password, when the setting is not an address
 */
export function placesFromEnvironment(part: Part, env: NodeJS.ProcessEnv = process.env): TcpAddress[] {
  const variable = variables[part];
  const value = env[variable];
  if (!value) return [];
  const isNats = part === "nats";
  return (isNats ? value.split(",") : [value]).map((text) => {
    const given = text.trim();
    const url = URL.parse(given.includes("://") ? given : `nats://${given}`);
    const port = Number(url?.port || (isNats ? 4222 : 0));
    if (!url?.hostname || port === 0) {
      const expected = isNats ? "nats://HOST:PORT, or several separated by commas" : "HOST:PORT";
      throw new RangeError(`${variable} = "${redact(value)}": expected ${expected}`);
    }
    return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, given };
  });
}

/**
 * The ports from the services' own settings, and those settings unchanged, because one of them may open a port to other machines.
 * `fallback` has the ports for settings that are not set.
 * @throws RangeError that names the variable when it is not an address, or when it names a NATS server that this machine should not start
 */
export function portsFromEnvironment(
  fallback: StackPorts,
  env: NodeJS.ProcessEnv = process.env,
): { ports: StackPorts; env: NodeJS.ProcessEnv } {
  const ports = { ...fallback };
  const given: NodeJS.ProcessEnv = {};
  for (const part of Object.keys(ports) as (keyof StackPorts)[]) {
    const places = placesFromEnvironment(part, env);
    const [place] = places;
    if (!place) continue;
    const variable = variables[part];
    if (part === "nats" && !(places.length === 1 && isThisMachine(place)))
      throw new RangeError(
        `${variable} = "${redact(env[variable]!)}": NATS is started on this machine, at 127.0.0.1; unset it, or start the services one by one (docs/operating.md)`,
      );
    ports[part] = place.port;
    given[variable] = env[variable];
  }
  return { ports, env: given };
}

function isThisMachine({ host }: TcpAddress): boolean {
  return ["127.0.0.1", "localhost", "0.0.0.0"].includes(host);
}
