import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, EventType, type SightlineClient } from "@sightline/client";
import { CameraStatus, type ServedModel, streams } from "@sightline/contracts";
import {
  Announcement,
  type Buckets,
  connectNats,
  createLogger,
  ensureStreams,
  type Nats,
  openBuckets,
} from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { ManagedProcess, nodeOptions, projectRoot, RtspCameras } from "@sightline/stack";
import { BenchProcess } from "./bench-process.ts";
import type { FixedWorkerCounts, FixedWorkerSettings } from "./fixed-worker-process.ts";
import type { SubscriberCounts, SubscriberSettings } from "./subscribers-client-process.ts";

/** What runs in one measurement. */
export interface ScaleCell {
  workers: number;
  ingests: number;
  results: number;
  cameras: number;
  /** Frames per second that each camera sends. */
  fps: number;
  /** Objects in each frame. */
  objects: number;
  /** Whether each object that comes into the middle of the picture is an event. */
  events: boolean;
  subscribers: number;
  /** The cameras send this clip, of ten frames a second. */
  clip: string;
}

const model: ServedModel = {
  ...{ name: "bench", architecture: "none", classes: ["nothing"] },
  ...{ width: 512, height: 384, longestSide: 512, padValue: 114 },
};
/** Milliseconds of a run of one frame: each worker does 25 frames a second. */
export const runMs = 40;
const clipFps = 10;
const patienceMs = 120_000;
const log = createLogger("bench", "error");
const middle = [
  [0.35, 0],
  [0.65, 0],
  [0.65, 1],
  [0.35, 1],
].map(([x, y]) => ({ x: x!, y: y! }));

/** A service in a process of its own. */
interface ServiceProcess {
  process: ManagedProcess;
  http: string;
}

/** NATS, services, workers with a model that takes a fixed time, and cameras, for one measurement. */
export class ScaleRig {
  readonly cell: ScaleCell;
  readonly nats: NatsServer;
  readonly monitor: string;
  readonly connection: Nats;
  readonly buckets: Buckets;
  readonly workers: BenchProcess<FixedWorkerCounts>[] = [];
  readonly ingests: ServiceProcess[] = [];
  readonly results: ServiceProcess[] = [];
  readonly #directory: string;
  readonly #stops: (() => unknown)[] = [];

  private constructor(
    cell: ScaleCell,
    nats: NatsServer,
    monitor: string,
    connection: Nats,
    buckets: Buckets,
    directory: string,
  ) {
    this.cell = cell;
    this.nats = nats;
    this.monitor = monitor;
    this.connection = connection;
    this.buckets = buckets;
    this.#directory = directory;
  }

  /** Starts all and waits until every camera is analysed. */
  static async start(cell: ScaleCell): Promise<ScaleRig> {
    const monitor = `127.0.0.1:${await freePort()}`;
    const nats = await NatsServer.start(() => `http: "${monitor}"`);
    const connection = await connectNats(nats.url, "bench", log);
    await ensureStreams(connection.manager, { maxAgeSeconds: 3_600, maxBytes: 2e8, replicas: 1 });
    const buckets = await openBuckets(connection.kv);
    const directory = await mkdtemp(join(tmpdir(), "sightline-scale-"));
    const rig = new ScaleRig(cell, nats, monitor, connection, buckets, directory);
    try {
      await rig.#startAll();
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  async #startAll(): Promise<void> {
    const { cell, nats, buckets } = this;
    const announcement = new Announcement(buckets.models, model.name, () => model, log);
    await announcement.start();
    this.#stops.push(() => announcement.stop(false));
    const addresses: string[] = [];
    const starting: Promise<unknown>[] = [];
    for (let i = 1; i <= cell.results; i++) {
      addresses.push(`127.0.0.1:${await freePort()}`);
      const env = { SIGHTLINE_GRPC: addresses.at(-1)!, SIGHTLINE_DEFAULT_MODEL: model.name };
      starting.push(this.#service(this.results, "results", i, env));
    }
    for (let i = 1; i <= cell.ingests; i++)
      starting.push(this.#service(this.ingests, "ingest", i, { SIGHTLINE_INGEST_ID: `i${i}` }));
    for (let i = 1; i <= cell.workers; i++) {
      const settings: FixedWorkerSettings = {
        ...{ nats: { url: nats.url }, model: model.name, width: model.width, height: model.height },
        ...{ batchSize: 1, runMs, announceAs: `w${i}`, objects: cell.objects },
      };
      starting.push(this.#worker(settings));
    }
    await Promise.all(starting);
    const cameras = await RtspCameras.start({
      ...{ count: cell.cameras, clip: cell.clip, speed: cell.fps / clipFps },
      logFile: join(this.#directory, "cameras.log"),
    });
    this.#stops.push(() => cameras.stop());
    const client = connect(addresses[0]!);
    this.#stops.push(() => client.close());
    for (const name of cameras.names) await this.#register(client, name, cameras.url(name));
    if (cell.subscribers > 0) await this.#subscribe(addresses[0]!);
    await this.#untilAnalysed(cameras.names);
  }

  async #worker(settings: FixedWorkerSettings): Promise<void> {
    const worker = await BenchProcess.start<FixedWorkerCounts>("./fixed-worker-process.ts", settings);
    this.workers.push(worker);
    this.#stops.push(() => worker.stop());
  }

  async #service(
    into: ServiceProcess[],
    name: "results" | "ingest",
    number: number,
    env: NodeJS.ProcessEnv,
  ): Promise<void> {
    const http = `127.0.0.1:${await freePort()}`;
    const child = await ManagedProcess.start({
      name: `${name}-${number}`,
      command: process.execPath,
      args: [...nodeOptions, join(projectRoot, `services/${name}/src/main.ts`)],
      env: {
        SIGHTLINE_NATS_URL: this.nats.url,
        [name === "results" ? "SIGHTLINE_RESULTS_HTTP" : "SIGHTLINE_INGEST_HTTP"]: http,
        ...env,
      },
      logFile: join(this.#directory, `${name}-${number}.log`),
    });
    this.#stops.push(() => child.stop());
    into[number - 1] = { process: child, http };
    const ready = async () => (await fetch(`http://${http}/readyz`).catch(() => undefined))?.ok;
    while (!(await ready())) {
      if (!child.running) throw await child.failure();
      await delay(200);
    }
  }

  async #register(client: SightlineClient, name: string, uri: string): Promise<void> {
    await client.cameras.register(name, { uri, model: model.name });
    if (!this.cell.events) return;
    await client.rules.update(name, {
      zones: [{ name: "middle", polygon: middle }],
      rules: [{ name: "middle", type: EventType.ENTERED_ZONE, zone: "middle" }],
    });
  }

  async #subscribe(address: string): Promise<void> {
    const { subscribers } = this.cell;
    const settings: SubscriberSettings = { address, subscribers, connections: 1, mode: "live" };
    const clients = await BenchProcess.start<SubscriberCounts>("./subscribers-client-process.ts", settings);
    this.#stops.push(() => clients.stop());
  }

  async #untilAnalysed(cameras: readonly string[]): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const frames = await this.frames(streams.timeline);
      const waiting = cameras.filter((camera) => !frames.has(camera));
      if (waiting.length === 0) return;
      if (performance.now() > deadline)
        throw new Error(`${waiting.length} of ${cameras.length} cameras are not analysed`);
      await delay(500);
    }
  }

  /** Messages of each camera in a stream. */
  async frames(stream: string): Promise<Map<string, number>> {
    const { state } = await this.connection.manager.streams.info(stream, { subjects_filter: ">" });
    const found = new Map<string, number>();
    for (const [subject, count] of Object.entries(state.subjects ?? {})) {
      const camera = subject.split(".")[1]!;
      found.set(camera, (found.get(camera) ?? 0) + count);
    }
    return found;
  }

  /** Which ingest has a camera, and the frames that it has captured, by its last status. */
  async statuses(): Promise<Map<string, { ingest: string; captured: number }>> {
    const found = new Map<string, { ingest: string; captured: number }>();
    for (let i = 1; i <= this.cell.cameras; i++) {
      const entry = await this.buckets.cameraStatus.get(`camera-${i}`);
      if (!entry) continue;
      const { ingest, ledger } = CameraStatus.decode(entry.value);
      found.set(`camera-${i}`, { ingest, captured: ledger?.captured ?? 0 });
    }
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
    await this.connection.connection.close();
    await this.nats.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
