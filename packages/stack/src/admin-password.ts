import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isLoopback, writePrivateFile } from "@sightline/service";

const variable = "SIGHTLINE_ADMIN_PASSWORD_FILE";

/**
 * Settings for a results service that may be reached from other machines: the file with the password of its first admin, which is made in
 * the data directory unless the environment names one. None while all addresses are of this machine.
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
