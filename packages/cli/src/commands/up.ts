import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  adminPassword,
  type ClusterPorts,
  freeClusterPorts,
  isFree,
  NatsGuard,
  nodeOptions,
  ownTls,
  portsFromEnvironment,
  projectRoot,
  runsApart,
  Stack,
  Supervisor,
  standardPorts,
  storedByOthers,
} from "@sightline/stack";
import { Command, InvalidArgumentError, Option } from "commander";
import { bundledModel, bundledModelScope } from "../camera/camera-options.ts";
import { CliError } from "../errors.ts";
import type { ServerOptions } from "../server-options.ts";
import { untilSignal } from "../signals.ts";

export interface RunOptions {
  /** Directory for state and logs. */
  data: string;
  bridges: boolean;
  /** Number of NATS servers, if it is a cluster. */
  cluster?: number;
}

/** The options of the commands that run the services. */
export const runOptions = () => [
  new Option("--data <directory>", "where state and logs are kept").default(".sightline"),
  new Option(
    "--bridges",
    "also run the bridges (default: when SIGHTLINE_MQTT_URL or SIGHTLINE_WEBHOOKS is set)",
  ).default(Boolean(process.env.SIGHTLINE_MQTT_URL || process.env.SIGHTLINE_WEBHOOKS)),
];

/**
 * Runs NATS and the services on this machine until a signal; a process that ends is started again. With `develop`, a service is also
 * restarted when a file that it imports changes, and the console's development server runs.
 */
export async function runStack(options: RunOptions, develop = false): Promise<void> {
  const stop = untilSignal();
  const directory = resolve(options.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { ports, env } = portsFromEnvironment(standardPorts);
  const apart = runsApart(options.cluster !== undefined);
  for (const [name, port] of Object.entries(ports))
    if ((name !== "analysis" || apart) && !(await isFree(port)))
      throw new CliError(
        "in_use",
        `port ${port} (${name}) is in use; is Sightline running already? ./sightline doctor says more`,
      );
  const others = storedByOthers(directory, options.cluster ?? 1);
  if (others) throw new CliError("in_use", others);
  const cluster = options.cluster === undefined ? undefined : await freeClusterPorts(ports, options.cluster);
  const tls = ownTls();
  const admin = adminPassword(directory, env);
  // Any model in the directory, as soon as a camera asks for it.
  const models = process.env.SIGHTLINE_MODELS === undefined ? { SIGHTLINE_MODELS: "all" } : {};
  let stack: Stack;
  try {
    stack = await Stack.start(
      {
        directory,
        ports,
        cluster,
        env: { ...env, ...models, ...tls.env, ...admin },
        tls: tls.on,
        watch: develop,
      },
      stop,
    );
    if (options.bridges)
      await stack.startService("bridges", {
        SIGHTLINE_GRPC_ADDRESS: `${tls.on ? "https://" : ""}127.0.0.1:${ports.grpc}`,
      });
    if (develop) await stack.startConsole(consolePort, stack.http("results"));
  } catch (error) {
    if (stop.aborted) return;
    throw error;
  }
  const results = `${tls.on ? "https" : "http"}://${tls.name}:${ports.results}`;
  const lines = [
    "Sightline is up.",
    `  console  ${develop ? `http://127.0.0.1:${consolePort}` : results}/`,
    `  gRPC     ${tls.on ? `https://${tls.name}` : "127.0.0.1"}:${ports.grpc}`,
    `  metrics  ${results}/metrics`,
    `  data     ${directory}`,
    `  model    ${modelLine()}`,
    ...(cluster ? clusterLines(cluster, stack) : []),
    ...(admin.SIGHTLINE_ADMIN_PASSWORD_FILE
      ? [
          `  login    admin, unless there was an admin before; the password is in ${admin.SIGHTLINE_ADMIN_PASSWORD_FILE}`,
        ]
      : []),
    ...(develop ? [`  logs     ${join(directory, "logs")}`, restartLine] : []),
    "add a camera: ./sightline camera add NAME rtsp://…   stop: Ctrl-C",
  ];
  console.log(lines.join("\n"));
  const say = (line: string) => process.stderr.write(`sightline: ${line}\n`);
  const ending = new AbortController();
  const until = AbortSignal.any([stop, ending.signal]);
  // In a cluster the other servers continue, and the services do not report which server fails to store.
  const guarding = cluster ? undefined : new NatsGuard(stack, say).run(until);
  const ended = await new Supervisor(stack, say).run(stop);
  ending.abort();
  await guarding;
  const failure = await ended?.failure();
  await stack.stop();
  if (failure) throw failure;
}

function clusterLines({ nodes, second }: ClusterPorts, stack: Stack): string[] {
  return [
    `  NATS     ${nodes.length} servers, each stream on all of them: ${nodes.map(({ nats }) => `127.0.0.1:${nats}`).join(", ")}`,
    `  second   of each service: console ${stack.http("results", second)}/, gRPC 127.0.0.1:${second.grpc}`,
  ];
}

/** Vite's own port. */
const consolePort = 5173;
const restartLine =
  "a service is restarted when a file that it imports changes, and so is one that failed; the console reloads by itself";

/** The model that the worker runs, with its purpose if it is the bundled one. */
function modelLine(): string {
  const name = process.env.SIGHTLINE_MODEL || bundledModel;
  return name === bundledModel ? `${name}; ${bundledModelScope}` : name;
}

/** `sightline up`: NATS and the services on this machine until stopped; cameras and detections are kept. */
export function upCommand(): Command {
  const command = new Command("up").description(
    "run NATS and the services on this machine, with state in a data directory",
  );
  for (const option of runOptions()) command.addOption(option);
  command.option(
    "--cluster <servers>",
    "3 or 5 NATS servers with copies of everything, and two processes of each service: to try what a cluster does",
    clusterSize,
  );
  return command.action((options: RunOptions) => runStack(options));
}

function clusterSize(text: string): number {
  if (text === "3" || text === "5") return Number(text);
  throw new InvalidArgumentError("a cluster here has 3 or 5 NATS servers.");
}

/** `sightline dev`: like `up`, for people who change the source. */
export function devCommand(): Command {
  const command = new Command("dev").description(
    "as up, but a service is restarted when its source changes, and the console reloads",
  );
  for (const option of runOptions()) command.addOption(option);
  return command.action((options: RunOptions) => runStack(options, true));
}

/** `sightline bridges`: the MQTT and webhook bridges in the foreground, until stopped. */
export function bridgesCommand(): Command {
  const command = new Command("bridges");
  return command.action(async () => {
    const stop = untilSignal();
    const main = join(projectRoot, "services/bridges/src/main.ts");
    const { server, ca, cert, key } = command.optsWithGlobals<ServerOptions>();
    const isGiven = command.getOptionValueSourceWithGlobals("server") === "cli";
    const address = isGiven ? server : (process.env.SIGHTLINE_GRPC_ADDRESS ?? server);
    const child = spawn(process.execPath, [...nodeOptions, main], {
      env: {
        ...process.env,
        SIGHTLINE_GRPC_ADDRESS: address,
        SIGHTLINE_TLS_CA_FILE: ca,
        SIGHTLINE_TLS_CLIENT_CERT_FILE: cert,
        SIGHTLINE_TLS_CLIENT_KEY_FILE: key,
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    stop.addEventListener("abort", () => child.kill("SIGTERM"));
    const [code] = await once(child, "exit");
    process.exitCode = code ?? 1;
  });
}
