import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { HttpServer, type HttpServerOptions, isLoopback, type ReadinessCheck } from "./http-server.ts";
import type { Logger } from "./log.ts";
import { createRegistry, observeStreamFaults } from "./metrics.ts";
import { connectNats, type Nats, natsReadiness } from "./nats.ts";
import type { NatsAccess } from "./nats-access.ts";
import type { Lifecycle } from "./run.ts";

export interface ServiceStartOptions {
  service: string;
  version: string;
  /** Whether metrics include trace IDs (OpenMetrics exemplars). */
  exemplars?: boolean;
  /** The name in `/readyz` of what the start waits for. */
  startsAs?: string;
}

/**
 * The start of a service that uses NATS. Metrics and health are available from the first moment, even without NATS, and say what the start
 * waits for. All of it ends through `life`.
 */
export class ServiceStart {
  /** Metrics of the process; the service adds its own. */
  readonly registry: Registry;
  readonly #readiness: Record<string, ReadinessCheck>;
  readonly #log: Logger;
  readonly #life: Lifecycle;
  #waitsFor: string | undefined = "NATS is waited for";
  #nats: Nats | undefined;

  constructor(
    { service, version, exemplars, startsAs = "start" }: ServiceStartOptions,
    log: Logger,
    life: Lifecycle,
  ) {
    this.registry = createRegistry(service, version, exemplars);
    this.#readiness = { ...natsReadiness(() => this.#nats), [startsAs]: () => this.#waitsFor };
    this.#log = log;
    this.#life = life;
    observeStreamFaults(this.registry, () => this.#nats?.watch.faults() ?? []);
  }

  /** NATS; undefined until it has been reached. */
  get nats(): Nats | undefined {
    return this.#nats;
  }

  /** Sets what `/readyz` reports that the start waits for. */
  waitsFor(what: string): void {
    this.#waitsFor = what;
  }

  /** The start is complete: from now on readiness depends only on what the service `requires`, and on NATS. */
  done(): void {
    this.#waitsFor = undefined;
  }

  /** From now on readiness also runs this check: it returns what is missing, or undefined. */
  requires(name: string, check: ReadinessCheck): void {
    this.#readiness[name] = check;
  }

  /**
   * Serves metrics, health, and the routes that `add` registers at `HOST:PORT`. Returns the bound address.
   * @throws Error when the address cannot be used
   */
  async listen(
    address: string,
    add: (app: FastifyInstance) => void | Promise<void> = () => undefined,
    options?: HttpServerOptions,
  ): Promise<string> {
    const server = this.#life.add(new HttpServer(this.registry, this.#readiness, this.#log, options));
    await add(server.app);
    const bound = await server.listen(address);
    this.#log.info({ address: bound, open: !isLoopback(bound) }, "metrics and health are served");
    return bound;
  }

  /**
   * Connects to NATS as soon as it is available, and watches these streams from then on. `name` begins with the service's name.
   * @throws SettingError when NATS refuses the service's key
   */
  async connect(
    access: NatsAccess,
    name: string,
    streams: readonly string[],
    close: (nats: Nats) => Promise<void> = ({ connection }) => connection.close(),
  ): Promise<Nats> {
    const nats = await connectNats(access, name, this.#log, { signal: this.#life.signal });
    this.#life.add({ stop: () => close(nats) });
    nats.setBacks.observe(this.registry);
    this.#nats = nats;
    this.#waitsFor = "JetStream does not give the streams and buckets yet";
    nats.watch.look(nats.manager, streams, nats.connected);
    return nats;
  }
}
