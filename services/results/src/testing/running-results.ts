import { connect, type SightlineClient } from "@sightline/client";
import { FrameDetections, formatFrameId, subjects } from "@sightline/contracts";
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
import { NatsServer } from "@sightline/service/testing";
import { settings } from "../config.ts";
import { type ResultsAddresses, startResults } from "../results-service.ts";

/** The results service on a NATS server of its own, with what a test needs to play the other services. */
export class RunningResults {
  readonly server: NatsServer;
  readonly addresses: ResultsAddresses;
  readonly client: SightlineClient;
  /** A connection like that of ingest or a worker. */
  readonly nats: Nats;
  readonly buckets: Buckets;
  readonly #life: Lifecycle;
  readonly #log: Logger;

  private constructor(
    server: NatsServer,
    addresses: ResultsAddresses,
    nats: Nats,
    buckets: Buckets,
    life: Lifecycle,
    log: Logger,
  ) {
    this.server = server;
    this.addresses = addresses;
    this.nats = nats;
    this.buckets = buckets;
    this.client = connect(addresses.grpc);
    this.#life = life;
    this.#log = log;
  }

  static async start(env: NodeJS.ProcessEnv = {}): Promise<RunningResults> {
    const server = await NatsServer.start();
    const log = createLogger("test", "fatal");
    const config = loadConfig(settings, {
      SIGHTLINE_NATS_URL: server.url,
      SIGHTLINE_GRPC: "127.0.0.1:0",
      SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      ...env,
    });
    const life = new Lifecycle();
    const addresses = await startResults(config, log, life);
    const nats = await connectNats(server.url, "test", log);
    return new RunningResults(server, addresses, nats, await openBuckets(nats.kv), life, log);
  }

  /** Publishes a frame's detections as a worker does. */
  async publish(event: FrameDetections): Promise<void> {
    const { camera: name, epoch, number } = event.frame!;
    const camera = name.replace("cameras/", "");
    const msgID = formatFrameId({ camera, epoch, number });
    await this.nats.jetstream.publish(subjects.detections(camera), FrameDetections.encode(event).finish(), {
      msgID,
    });
  }

  /** The value of a metric's series, undefined when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.addresses.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** Stops the service, leaving NATS up. */
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
