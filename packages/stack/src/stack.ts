import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { natsIdentities } from "@sightline/contracts";
import {
  addSecretKey,
  authorizationFile,
  diskRoom,
  natsKeyFile,
  storeLimit,
  writeNatsKeys,
  writeServiceToken,
} from "@sightline/service";
import { ManagedProcess, type ProcessOptions } from "./managed-process.ts";
import { askService } from "./own-server.ts";
import { projectRoot } from "./project-root.ts";

export interface StackPorts {
  nats: number;
  grpc: number;
  results: number;
  ingest: number;
  inference: number;
}

export interface StackOptions {
  /** Directory for NATS's data and the logs. */
  directory: string;
  ports: StackPorts;
  /** Further environment of the services; it wins over the ports. */
  env?: NodeJS.ProcessEnv;
  /** Whether HTTP of results speaks TLS, as `env` tells it. */
  tls?: boolean;
  /** Whether Node restarts a service when a file that it imports changes. */
  watch?: boolean;
}

/** Of Node, for services: the types are stripped; and gRPC names the server to TLS (DEP0123) also where it is called by its address. */
export const nodeOptions = ["--disable-warning=ExperimentalWarning", "--disable-warning=DEP0123"];

/** The standard ports on loopback. */
export const standardPorts: StackPorts = {
  nats: 4222,
  grpc: 50051,
  results: 9100,
  ingest: 9101,
  inference: 9102,
};

/** The keys that passwords are encrypted with, in the data directory of `up`. */
export const secretsKeyName = "secrets.key";

/** The token by which results knows the bridges, in the data directory of `up`. */
const bridgesTokenName = "bridges.token";

/** Where `up` keeps the keys of its NATS, in its data directory. */
export function natsKeysIn(directory: string): string {
  return join(directory, "nats-keys");
}

/** A NATS server and the three services as processes of this machine, started and stopped together. */
export class Stack {
  readonly ports: StackPorts;
  readonly directory: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #watch: boolean;
  readonly #tls: boolean;
  readonly #processes: ManagedProcess[] = [];
  #stopped = false;

  private constructor(options: StackOptions) {
    this.ports = options.ports;
    this.directory = options.directory;
    this.#watch = options.watch ?? false;
    this.#tls = options.tls ?? false;
    this.#env = {
      SIGHTLINE_NATS_URL: `nats://127.0.0.1:${options.ports.nats}`,
      SIGHTLINE_GRPC: `127.0.0.1:${options.ports.grpc}`,
      SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${options.ports.results}`,
      SIGHTLINE_INGEST_HTTP: `127.0.0.1:${options.ports.ingest}`,
      SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${options.ports.inference}`,
      SIGHTLINE_NATS_STORE_DIR: join(options.directory, "nats"),
      SIGHTLINE_RECORDINGS_DIRECTORY: join(options.directory, "recordings"),
      SIGHTLINE_SECRETS_KEY_FILE: join(options.directory, secretsKeyName),
      SIGHTLINE_BRIDGES_TOKEN_FILE: join(options.directory, bridgesTokenName),
      ...options.env,
    };
  }

  /** Where NATS keeps its data. */
  get natsDirectory(): string {
    return join(this.directory, "nats");
  }

  /** Where a service serves its health and metrics, as a URL. */
  http(service: "results" | "inference" | "ingest"): string {
    const scheme = service === "results" && this.#tls ? "https" : "http";
    return `${scheme}://127.0.0.1:${this.ports[service]}`;
  }

  /** Where the keys are by which NATS knows the services, and whoever else may connect. */
  get natsKeysDirectory(): string {
    return natsKeysIn(this.directory);
  }

  /** Starts all and waits until every service is ready. @throws ProcessFailedError when one of them ends instead */
  static async start(options: StackOptions, signal: AbortSignal): Promise<Stack> {
    const stack = new Stack(options);
    try {
      // Passwords, keys and recordings lie below it.
      mkdirSync(options.directory, { recursive: true, mode: 0o700 });
      const secretsKey = join(options.directory, secretsKeyName);
      if (!existsSync(secretsKey)) addSecretKey(secretsKey);
      const token = join(options.directory, bridgesTokenName);
      if (!existsSync(token)) writeServiceToken(token, "bridges");
      await stack.#startNats();
      const services = ["results", "inference", "ingest"] as const;
      for (const name of services) await stack.startService(name);
      await Promise.all(services.map((name) => stack.ready(name, `${stack.http(name)}/readyz`, signal)));
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Ends the NATS server and starts it again on the same port and data; `between` is given the folder of its streams. */
  async restartNats(signal: "SIGTERM" | "SIGKILL", between?: (streamsFolder: string) => void): Promise<void> {
    const old = this.process("nats-server");
    old.child.kill(signal);
    await old.exited;
    between?.(join(this.directory, "nats", "jetstream", "$G", "streams"));
    this.#processes.splice(this.#processes.indexOf(old), 1);
    await this.#startNats();
  }

  async #startNats(): Promise<void> {
    mkdirSync(join(this.directory, "logs"), { recursive: true });
    const config = join(this.directory, "nats.conf");
    mkdirSync(this.natsDirectory, { recursive: true });
    const room = await diskRoom(this.natsDirectory);
    // NATS by itself takes three quarters of what is free when it starts, and so refuses what it stored before once the disk is fuller.
    const most = room ? storeLimit(sizeOf(this.natsDirectory), room.freeBytes) : undefined;
    const jetstream = [
      `store_dir: ${JSON.stringify(this.natsDirectory)}`,
      ...(most === undefined ? [] : [`max_file_store: ${most}`]),
    ];
    writeNatsKeys(this.natsKeysDirectory);
    const lines = [
      "host: 127.0.0.1",
      `port: ${this.ports.nats}`,
      "max_payload: 8MB",
      "max_pending: 256MB",
      `jetstream { ${jetstream.join(", ")} }`,
      // NATS takes only a path that begins at the file that includes.
      `include ${JSON.stringify(relative(this.directory, join(this.natsKeysDirectory, authorizationFile)))}`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const nats = await this.#start("nats-server", process.env.NATS_SERVER_PATH ?? "nats-server", [
      "-c",
      config,
    ]);
    // First of all, so that it is the last to stop.
    this.#processes.unshift(...this.#processes.splice(this.#processes.indexOf(nats), 1));
  }

  /** Starts one more process of a service; `env` overrides the stack's. `label` tells several apart. */
  async startService(name: string, env: NodeJS.ProcessEnv = {}, label = name): Promise<ManagedProcess> {
    const main = join(projectRoot, "services", name, "src", "main.ts");
    const watch = this.#watch ? ["--watch", "--watch-preserve-output"] : [];
    const identity = natsIdentities.find((known) => known === name);
    return this.#start(label, process.execPath, [...nodeOptions, ...watch, main], {
      ...(identity && { SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(this.natsKeysDirectory, identity) }),
      ...env,
    });
  }

  /** Starts the console's development server, which asks the results service at `url`. */
  async startConsole(port: number, url: string): Promise<ManagedProcess> {
    const folder = join(projectRoot, "apps", "console");
    const vite = join(folder, "node_modules", ".bin", "vite");
    const args = [folder, "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
    return this.#start("console", vite, args, { SIGHTLINE_RESULTS_URL: url });
  }

  /** Starts a process that has ended again. */
  async startAgain(ended: ManagedProcess): Promise<ManagedProcess> {
    const index = this.#processes.indexOf(ended);
    if (index >= 0) this.#processes.splice(index, 1);
    if (ended.name === "nats-server") {
      await this.#startNats();
      return this.process(ended.name);
    }
    return this.#launch(ended.options);
  }

  async #start(
    name: string,
    command: string,
    args: string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<ManagedProcess> {
    return this.#launch({
      name,
      command,
      args,
      cwd: projectRoot,
      env: { ...this.#env, ...env },
      logFile: join(this.directory, "logs", `${name}.log`),
    });
  }

  async #launch(options: ProcessOptions): Promise<ManagedProcess> {
    const child = await ManagedProcess.start(options);
    this.#processes.push(child);
    if (this.#stopped) await child.stop();
    return child;
  }

  /** Waits until the URL answers 200. @throws ProcessFailedError when the named process ends first */
  async ready(name: string, url: string, signal: AbortSignal): Promise<void> {
    const child = this.process(name);
    for (;;) {
      signal.throwIfAborted();
      if (!child.running) throw await child.failure();
      const answer = await askService(url, 2_000).catch(() => undefined);
      if (answer?.status === 200) return;
      await delay(50);
    }
  }

  /** The newest process of a name. */
  process(name: string): ManagedProcess {
    const child = this.#processes.findLast((candidate) => candidate.name === name);
    if (!child) throw new Error(`the stack has no process '${name}'`);
    return child;
  }

  /** All processes that have been started and not replaced. */
  processes(): readonly ManagedProcess[] {
    return [...this.#processes];
  }

  /** Resolves with the first process that ends by itself. */
  async firstExit(): Promise<ManagedProcess> {
    return Promise.race(this.#processes.map((child) => child.exited.then(() => child)));
  }

  /** Stops all, services before NATS. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const [nats, ...services] = this.#processes.splice(0);
    await Promise.all(services.map((child) => child.stop()));
    await nats?.stop();
  }
}

/** Bytes of all files below a directory. */
export function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => {
      const found = statSync(join(parentPath, name), { throwIfNoEntry: false });
      return sum + (found?.size ?? 0);
    }, 0);
}
