import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { natsIdentities } from "@sightline/contracts";
import { addSecretKey, type NatsAccess, natsKeyFile, writeServiceToken } from "@sightline/service";
import { ManagedProcess, type ManagedProcessOptions } from "./managed-process.ts";
import { type NatsNodePorts, natsNodeName, natsStore, writeNatsConfig } from "./nats-nodes.ts";
import { askService } from "./own-server.ts";
import {
  bridgesTokenName,
  type ClusterPorts,
  filesEnvironment,
  natsKeysIn,
  placeOfAnalysis,
  portsEnvironment,
  projectRoot,
  type ServiceName,
  type ServicePorts,
  type StackPorts,
  secondEnvironment,
  secretsKeyName,
} from "./stack-layout.ts";

export interface StackOptions {
  /** Directory for NATS's data and the logs. */
  directory: string;
  ports: StackPorts;
  /** Several NATS servers, and two processes of each service. */
  cluster?: ClusterPorts | undefined;
  /** More environment for the services; it overrides the ports. */
  env?: NodeJS.ProcessEnv;
  /** Whether HTTP of results uses TLS, as set in `env`. */
  tls?: boolean;
  /** Whether Node restarts a service when a file that it imports changes. */
  watch?: boolean;
}

/**
 * Node options for services: Node strips the types, and gRPC gives TLS a server name (DEP0123) even when the server is called by its
 * address. V8 would let the space for new objects grow to a size that a service does not need (docs/decisions/results-consumption.md).
 */
export const nodeOptions = [
  "--disable-warning=ExperimentalWarning",
  "--disable-warning=DEP0123",
  "--max-semi-space-size=8",
];

/** NATS and the services as processes of this machine, started and stopped together. In a cluster there are several of each. */
export class Stack {
  readonly ports: StackPorts;
  readonly cluster: ClusterPorts | undefined;
  readonly directory: string;
  /** The services to start: one process each, two in a cluster. */
  readonly services: readonly ServiceName[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #nodes: readonly NatsNodePorts[];
  readonly #watch: boolean;
  readonly #tls: boolean;
  readonly #processes: ManagedProcess[] = [];
  #stopped = false;

  private constructor(options: StackOptions) {
    this.ports = options.ports;
    this.cluster = options.cluster;
    this.#nodes = options.cluster?.nodes ?? [{ nats: options.ports.nats, route: 0 }];
    this.directory = options.directory;
    this.#watch = options.watch ?? false;
    this.#tls = options.tls ?? false;
    const place = placeOfAnalysis(options.cluster !== undefined, { ...process.env, ...options.env });
    this.services =
      place === "apart" ? ["results", "analysis", "inference", "ingest"] : ["results", "inference", "ingest"];
    this.#env = {
      SIGHTLINE_NATS_URL: this.natsUrl,
      SIGHTLINE_NATS_STORE_DIR: this.natsDirectory,
      ...(options.cluster && { SIGHTLINE_NATS_REPLICAS: String(options.cluster.nodes.length) }),
      ...portsEnvironment(options.ports),
      ...filesEnvironment(options.directory),
      ...options.env,
      SIGHTLINE_ANALYSIS: place,
    };
  }

  /** Where NATS keeps its data; in a cluster, its first server. */
  get natsDirectory(): string {
    return natsStore(this.directory, 0);
  }

  /** The URLs of all NATS servers, in the form of the setting. */
  get natsUrl(): string {
    return this.#nodes.map(({ nats }) => `nats://127.0.0.1:${nats}`).join(",");
  }

  /** The URL of a service's health and metrics. */
  http(service: ServiceName, ports: ServicePorts = this.ports): string {
    const scheme = service === "results" && this.#tls ? "https" : "http";
    return `${scheme}://127.0.0.1:${ports[service]}`;
  }

  /** Directory of the keys with which the services and others connect to NATS. */
  get natsKeysDirectory(): string {
    return natsKeysIn(this.directory);
  }

  /** How the operator connects to NATS. */
  get natsAccess(): NatsAccess {
    return { natsUrl: this.natsUrl, natsNkeyFile: natsKeyFile(this.natsKeysDirectory, "operator") };
  }

  /** Starts everything and waits until every service is ready. @throws ProcessFailedError when one of the processes ends first */
  static async start(options: StackOptions, signal: AbortSignal): Promise<Stack> {
    const stack = new Stack(options);
    try {
      // Passwords, keys and recordings are stored below it.
      mkdirSync(options.directory, { recursive: true, mode: 0o700 });
      const secretsKey = join(options.directory, secretsKeyName);
      if (!existsSync(secretsKey)) addSecretKey(secretsKey);
      const token = join(options.directory, bridgesTokenName);
      if (!existsSync(token)) writeServiceToken(token, "bridges");
      for (const node of stack.#nodes.keys()) await stack.#startNats(node);
      const { services } = stack;
      const copies = services.map((name) => ({
        label: name as string,
        name,
        ports: stack.ports as ServicePorts,
        env: {},
      }));
      const second = options.cluster?.second;
      if (second) {
        const env = secondEnvironment(options.directory, second);
        copies.push(...services.map((name) => ({ label: `${name}-2`, name, ports: second, env })));
      }
      for (const { label, name, env } of copies) await stack.startService(name, env, label);
      await Promise.all(
        copies.map(({ label, name, ports }) =>
          stack.ready(label, `${stack.http(name, ports)}/readyz`, signal),
        ),
      );
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Ends a NATS server and starts it again with the same port and data; `between` receives the folder of its streams. */
  async restartNats(
    signal: "SIGTERM" | "SIGKILL",
    between?: (streamsFolder: string) => void,
    node = 0,
  ): Promise<void> {
    const old = this.process(natsNodeName(node));
    old.child.kill(signal);
    await old.exited;
    between?.(join(natsStore(this.directory, node), "jetstream", "$G", "streams"));
    await this.startAgain(old);
  }

  /** The index of the NATS server that this process is; undefined for other processes. */
  #nodeOf({ name }: ManagedProcess): number | undefined {
    return [...this.#nodes.keys()].find((node) => natsNodeName(node) === name);
  }

  async #startNats(node: number): Promise<ManagedProcess> {
    mkdirSync(join(this.directory, "logs"), { recursive: true });
    const config = await writeNatsConfig(this.directory, this.natsKeysDirectory, this.#nodes, node);
    const command = process.env.NATS_SERVER_PATH ?? "nats-server";
    return this.#start(natsNodeName(node), command, ["-c", config]);
  }

  /** Starts one more process of a service; `env` overrides the stack's environment. `label` distinguishes several processes. */
  async startService(name: string, env: NodeJS.ProcessEnv = {}, label = name): Promise<ManagedProcess> {
    const main = join(projectRoot, "services", name, "src", "main.ts");
    const watch = this.#watch ? ["--watch", "--watch-preserve-output"] : [];
    const identity = natsIdentities.find((known) => known === name);
    return this.#start(label, process.execPath, [...nodeOptions, ...watch, main], {
      ...(identity && { SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(this.natsKeysDirectory, identity) }),
      ...env,
    });
  }

  /** Starts the console's development server, which sends its requests to the results service at `url`. */
  async startConsole(port: number, url: string): Promise<ManagedProcess> {
    const folder = join(projectRoot, "apps", "console");
    const vite = join(folder, "node_modules", ".bin", "vite");
    const args = [folder, "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
    return this.#start("console", vite, args, { SIGHTLINE_RESULTS_URL: url });
  }

  /** Starts an ended process again. */
  async startAgain(ended: ManagedProcess): Promise<ManagedProcess> {
    const index = this.#processes.indexOf(ended);
    if (index >= 0) this.#processes.splice(index, 1);
    const node = this.#nodeOf(ended);
    return node === undefined ? this.#launch(ended.options) : this.#startNats(node);
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

  async #launch(options: ManagedProcessOptions): Promise<ManagedProcess> {
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

  /** The newest process with this name. */
  process(name: string): ManagedProcess {
    const child = this.#processes.findLast((candidate) => candidate.name === name);
    if (!child) throw new Error(`the stack has no process '${name}'`);
    return child;
  }

  /** All started processes that have not been replaced. */
  processes(): readonly ManagedProcess[] {
    return [...this.#processes];
  }

  /** Resolves with the first process that ends by itself. */
  async firstExit(): Promise<ManagedProcess> {
    return Promise.race(this.#processes.map((child) => child.exited.then(() => child)));
  }

  /** Stops all processes, the services before NATS. Can be called twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const all = this.#processes.splice(0);
    const isNats = (child: ManagedProcess) => this.#nodeOf(child) !== undefined;
    await Promise.all(all.filter((child) => !isNats(child)).map((child) => child.stop()));
    await Promise.all(all.filter(isNats).map((child) => child.stop()));
  }
}
