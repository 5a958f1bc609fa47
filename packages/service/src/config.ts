import { readFileSync } from "node:fs";
import { decodeUtf8, isModelName } from "@sightline/contracts";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { ConfigError } from "./errors.ts";
import { redact } from "./log.ts";

/** One setting: its source, its allowed values and its meaning. */
export interface Setting<T extends z.ZodType = z.ZodType> {
  env: string;
  schema: T;
  help: string;
}

type Settings = Record<string, Setting>;
export type Config<S extends Settings> = Readonly<{ [K in keyof S]: z.infer<S[K]["schema"]> }>;

/** Name of the environment variable with the path of a YAML or JSON settings file; its keys are the settings' names. */
export const configFileVariable = "SIGHTLINE_CONFIG";

/**
 * Reads settings from the environment, then the file, then their defaults, and checks all of them at once.
 * @throws ConfigError that names each variable, its value and what is allowed
 */
export function loadConfig<S extends Settings>(settings: S, env: NodeJS.ProcessEnv = process.env): Config<S> {
  const path = env[configFileVariable];
  const file = path ? readConfigFile(path) : {};
  const faults: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const fromEnv = env[setting.env];
    const given = !isNothing(fromEnv);
    const value = given ? fromEnv : isNothing(file[key]) ? undefined : file[key];
    const result = setting.schema.safeParse(value);
    if (result.success) config[key] = result.data;
    else
      faults.push(
        faultLine(
          given || value === undefined ? setting.env : `${key} in ${path}`,
          value,
          setting,
          result.error,
        ),
      );
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config) as Config<S>;
}

/** A value left empty in a file or an .env is not set; as a number it would be 0. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** The names and values in a settings file. @throws ConfigError it cannot be read, or is not a map in YAML or JSON in UTF-8 */
export function readConfigFile(path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parseYaml(decodeUtf8(readFileSync(path)));
  } catch (error) {
    const [why] = (error as Error).message.split("\n");
    throw new ConfigError([`${configFileVariable}=${path}: ${why}`], { cause: error });
  }
  const result = z.record(z.string(), z.unknown()).safeParse(parsed ?? {});
  if (!result.success) throw new ConfigError([`${configFileVariable}=${path}: not a map of settings`]);
  return result.data;
}

function faultLine(name: string, value: unknown, setting: Setting, error: z.ZodError): string {
  const shown = value === undefined ? "is not set" : `= ${redact(JSON.stringify(value))}`;
  return `${name} ${shown}: ${error.issues.map((issue) => issue.message).join("; ")} (${setting.help})`;
}

/** A number, or a decimal number as text; other values that convert to numbers, such as `true`, are refused. */
const numeric = z.union(
  [
    z.number(),
    z
      .string()
      .trim()
      .regex(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i)
      .transform(Number),
  ],
  "expected a number",
);
const highestPort = 65_535;

/** Schemas for values that are text (from the environment) or already typed (from the file). */
export const setting = {
  text: (fallback?: string) =>
    fallback === undefined ? z.string().min(1) : z.string().min(1).default(fallback),
  optionalText: () => z.string().min(1).optional(),
  integer: (fallback: number, min: number, max: number) =>
    numeric
      .pipe(
        z
          .int("expected a whole number")
          .min(min, `expected at least ${min}`)
          .max(max, `expected at most ${max}`),
      )
      .default(fallback),
  number: (fallback: number, min: number, max: number) =>
    numeric
      .pipe(z.number().min(min, `expected at least ${min}`).max(max, `expected at most ${max}`))
      .default(fallback),
  choice: <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) =>
    z.enum(values, `expected one of ${values.join(", ")}`).default(fallback as never),
  modelName: (fallback: string) =>
    z.string().refine(isModelName, "expected 1 to 63 letters, digits, '-' or '_'").default(fallback),
  /** host:port to listen on; loopback unless set otherwise. */
  listen: (fallback: string) =>
    z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, "expected HOST:PORT, such as 127.0.0.1:9101")
      .refine(
        (address) => Number(/\d*$/.exec(address)?.[0]) <= highestPort,
        `expected a port up to ${highestPort}`,
      )
      .default(fallback),
  /** Addresses of NATS servers, separated by commas. */
  natsServers: (fallback: string) =>
    z
      .string()
      .refine(
        (servers) => servers.split(",").every(isNatsServer),
        "expected nats://HOST:PORT, or several separated by commas",
      )
      .default(fallback),
  optionalHttpUrl: () =>
    z
      .string()
      .refine((text) => isUrl(text, ["http:", "https:"]), "expected http://HOST:PORT")
      .optional(),
};

function isNatsServer(server: string): boolean {
  const text = server.trim();
  return isUrl(text.includes("://") ? text : `nats://${text}`, ["nats:", "tls:"]);
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  return url !== null && url.hostname !== "" && protocols.includes(url.protocol);
}

/** Number of JetStream copies, for every service that creates streams or buckets. */
export const replicasSetting = {
  env: "SIGHTLINE_NATS_REPLICAS",
  schema: numeric.refine((copies) => [1, 3, 5].includes(copies), "expected 1, 3 or 5").default(1),
  help: "copies of every stream in a NATS cluster: 1, 3 or 5",
} as const;

/** How long the analysis waits for frames that arrive out of order. */
export const reorderWindowMsSetting = {
  env: "SIGHTLINE_REORDER_WINDOW_MS",
  schema: setting.integer(250, 0, 10_000),
  help: "milliseconds a frame waits for the one before it",
} as const;

/** Where ingest and the workers on one host share frames. */
export const frameMemoryDirectorySetting = {
  env: "SIGHTLINE_FRAME_MEMORY_DIR",
  schema: setting.text("/dev/shm"),
  help: "tmpfs in which ingest shares frames with the workers of its host",
} as const;

/** How to reach NATS, and with which identity. */
export const natsSettings = {
  natsUrl: {
    env: "SIGHTLINE_NATS_URL",
    schema: setting.natsServers("nats://127.0.0.1:4222"),
    help: "NATS server URL, or several separated by commas; a user and password in it are used to log in",
  },
  natsNkeyFile: {
    env: "SIGHTLINE_NATS_NKEY_FILE",
    schema: setting.optionalText(),
    help: "file with this service's NATS key (the seed of an nkey), as `sightline nats keys` makes it",
  },
  natsCredsFile: {
    env: "SIGHTLINE_NATS_CREDS_FILE",
    schema: setting.optionalText(),
    help: "file with NATS credentials (JWT and key), as `nsc` makes it",
  },
  natsCaFile: {
    env: "SIGHTLINE_NATS_CA_FILE",
    schema: setting.optionalText(),
    help: "file with the certificates (PEM) that NATS's own is checked with; makes TLS required",
  },
  natsCertFile: {
    env: "SIGHTLINE_NATS_CERT_FILE",
    schema: setting.optionalText(),
    help: "file with this service's certificate (PEM), where NATS asks for one; goes with SIGHTLINE_NATS_KEY_FILE",
  },
  natsKeyFile: {
    env: "SIGHTLINE_NATS_KEY_FILE",
    schema: setting.optionalText(),
    help: "file with the private key (PEM) of SIGHTLINE_NATS_CERT_FILE",
  },
} as const;

/** Settings that every service has. */
export const commonSettings = {
  ...natsSettings,
  logLevel: {
    env: "SIGHTLINE_LOG_LEVEL",
    schema: setting.choice(["debug", "info", "warn", "error"], "info"),
    help: "least severe log line to write",
  },
} as const;
