import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  connectNats,
  createLogger,
  loadConfig,
  type Nats,
  type NatsAccess,
  natsKeyFile,
  natsSettings,
  redact,
} from "@sightline/service";
import { natsKeysIn } from "@sightline/stack";
import { CliError } from "./errors.ts";

const patienceMs = 10_000;

/** NATS with the login from the settings, or else with the operator's key of `up` in this directory. */
export function operatorAccess(natsUrl = loadConfig(natsSettings).natsUrl): NatsAccess {
  const given = { ...loadConfig(natsSettings), natsUrl };
  if (given.natsNkeyFile || given.natsCredsFile || URL.parse(natsUrl)?.username) return given;
  const key = natsKeyFile(natsKeysIn(resolve(".sightline")), "operator");
  return existsSync(key) ? { ...given, natsNkeyFile: key } : given;
}

/** Runs an action at NATS as its operator. @throws Error when NATS does not answer within 10 s */
export async function asOperator<T>(action: (nats: Nats) => Promise<T>): Promise<T> {
  const access = operatorAccess();
  const signal = AbortSignal.timeout(patienceMs);
  let nats: Nats;
  try {
    nats = await connectNats(access, "operator", createLogger("operator", "fatal"), { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CliError(
      "no_answer",
      `NATS does not answer at ${redact(access.natsUrl)}; SIGHTLINE_NATS_URL says where it is`,
      {
        cause: error,
      },
    );
  }
  try {
    return await action(nats);
  } finally {
    await nats.connection.close();
  }
}
