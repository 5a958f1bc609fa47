import { type ConnectOptions, connect, type SightlineClient } from "@sightline/client";
import {
  encodeJson,
  FrameDetections,
  formatFrameId,
  streams,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import {
  type Buckets,
  connectNats,
  createLogger,
  Lifecycle,
  type Logger,
  loadConfig,
  type Nats,
  openBuckets,
} from "@sightline/service";
import { NatsServer, sampleCamera } from "@sightline/service/testing";
import { settings } from "../config.ts";
import type { ResultsAddresses } from "../results-service.ts";
import { startWithAnalysis } from "../with-analysis.ts";

/** The results service on its own NATS server, with what a test needs to act as the other services. */
export class RunningResults {
  readonly server: NatsServer;
  readonly addresses: ResultsAddresses;
  readonly client: SightlineClient;
  /** A connection like that of ingest or a worker. */
  readonly nats: Nats;
  readonly buckets: Buckets;
  readonly #life: Lifecycle;
  readonly #log: Logger;
  readonly #registered = new Set<string>();

  private constructor(
    server: NatsServer,
    addresses: ResultsAddresses,
    nats: Nats,
    buckets: Buckets,
    life: Lifecycle,
    log: Logger,
    options: ConnectOptions,
  ) {
    this.server = server;
    this.addresses = addresses;
    this.nats = nats;
    this.buckets = buckets;
    this.client = connect(addresses.grpc, options);
    this.#life = life;
    this.#log = log;
  }

  /** `options` are the connect options of `client`. */
  static async start(env: NodeJS.ProcessEnv = {}, options: ConnectOptions = {}): Promise<RunningResults> {
    const server = await NatsServer.start();
    const log = createLogger("test", "fatal");
    const config = loadConfig(settings, {
      SIGHTLINE_NATS_URL: server.url,
      SIGHTLINE_GRPC: "127.0.0.1:0",
      SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      ...env,
    });
    const life = new Lifecycle();
    const addresses = await startWithAnalysis(config, log, life);
    const nats = await connectNats(server.url, "test", log);
    return new RunningResults(server, addresses, nats, await openBuckets(nats.kv), life, log, options);
  }

  /** Registers a camera without the API, unless it exists: only registered cameras are analysed. */
  async register(camera: string): Promise<void> {
    if (this.#registered.has(camera)) return;
    this.#registered.add(camera);
    if (!(await this.buckets.cameras.get(camera)))
      await this.buckets.cameras.create(camera, encodeJson(sampleCamera()));
  }

  /** Publishes a frame's detections like a worker, and registers the camera if that was never done. */
  async publish(event: FrameDetections): Promise<void> {
    const { camera: name, epoch, number } = event.frame!;
    const camera = name.replace("cameras/", "");
    await this.register(camera);
    const msgID = formatFrameId({ camera, epoch, number });
    await this.nats.jetstream.publish(subjects.detections(camera), FrameDetections.encode(event).finish(), {
      msgID,
    });
  }

  /** Number of the newest frame in a camera's timeline; undefined when its newest entry is not a frame. */
  async newestFrame(camera: string): Promise<number | undefined> {
    const subject = subjects.timeline(camera);
    const last = await this.nats.manager.streams.getMessage(streams.timeline, { last_by_subj: subject });
    const entry = last ? TimelineEntry.decode(last.data).entry : undefined;
    return entry?.$case === "frame" ? entry.value.frame?.number : undefined;
  }

  /** The value of a metric's series; undefined when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.addresses.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** Stops the service; NATS keeps running. */
  async stopService(): Promise<void> {
    await this.#life.stop(this.#log);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.stopService();
    await this.nats.connection.close();
    await this.server.stop();
  }
}
