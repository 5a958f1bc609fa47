import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CameraRecord,
  type CameraSecret,
  CameraStatus,
  encodeJson,
  type FrameLedger,
  recordSecretKey,
  type ServedModel,
} from "@sightline/contracts";
import {
  Announcement,
  type Buckets,
  connectNats,
  createLogger,
  ensureStreams,
  Lifecycle,
  loadConfig,
  type Nats,
  openBuckets,
} from "@sightline/service";
import { liveEntries, NatsServer, preparing } from "@sightline/service/testing";
import { RtspCameras } from "@sightline/stack";
import { vi } from "vitest";
import { settings } from "../config.ts";
import { startIngest } from "../ingest-service.ts";
import { IngestProcess } from "./ingest-process.ts";
import { TestWorker } from "./test-worker.ts";

const log = createLogger("test", "error");

/** On a busy machine ffmpeg may take seconds to begin. Tests of silent cameras set less. */
const patientStallSeconds = "15";

export const testModel: ServedModel = {
  name: "test-model",
  architecture: "none",
  width: 320,
  height: 256,
  longestSide: 316,
  padValue: 114,
  classes: ["person"],
};

/** Ingest services on a real NATS server, with real cameras and a worker that does not infer. */
export class IngestRig {
  readonly server: NatsServer;
  readonly nats: Nats;
  readonly buckets: Buckets;
  readonly worker: TestWorker;
  readonly announcement: Announcement;
  readonly #ingests: Lifecycle[] = [];
  readonly #registeredAt = new Map<string, string>();
  readonly #cameras: RtspCameras[] = [];
  readonly #processes: IngestProcess[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "sightline-ingest-"));

  private constructor(
    server: NatsServer,
    nats: Nats,
    buckets: Buckets,
    worker: TestWorker,
    announcement: Announcement,
  ) {
    this.server = server;
    this.nats = nats;
    this.buckets = buckets;
    this.worker = worker;
    this.announcement = announcement;
  }

  /** `frameMemory`: the tmpfs in which the worker looks for frames. */
  static async start(frameMemory?: string): Promise<IngestRig> {
    const server = await NatsServer.start();
    const nats = await connectNats(server.url, "test", log);
    const buckets = await preparing(async () => {
      await ensureStreams(nats.manager, { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 });
      return openBuckets(nats.kv);
    });
    const announcement = new Announcement(buckets.models, testModel.name, () => testModel, log);
    await announcement.start();
    const worker = await TestWorker.start(nats, testModel.name, { frameMemory });
    return new IngestRig(server, nats, buckets, worker, announcement);
  }

  /** Starts an ingest; `stop` on the result stops it as a signal would. Its address serves the metrics. */
  async ingest(
    id = "ingest-1",
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ address: string; stop: () => Promise<void> }> {
    const life = new Lifecycle();
    this.#ingests.push(life);
    const config = loadConfig(settings, {
      SIGHTLINE_NATS_URL: this.server.url,
      SIGHTLINE_INGEST_HTTP: "127.0.0.1:0",
      SIGHTLINE_INGEST_ID: id,
      SIGHTLINE_STALL_SECONDS: patientStallSeconds,
      FFMPEG_PATH: process.env.FFMPEG_PATH,
      ...env,
    });
    const address = await startIngest(config, log, life);
    return { address, stop: () => life.stop(log) };
  }

  /** Starts an ingest as a separate process that can be killed. */
  async ingestProcess(id: string, env: NodeJS.ProcessEnv = {}): Promise<IngestProcess> {
    const ingest = await IngestProcess.start({
      SIGHTLINE_NATS_URL: this.server.url,
      SIGHTLINE_INGEST_ID: id,
      SIGHTLINE_STALL_SECONDS: patientStallSeconds,
      ...env,
    });
    this.#processes.push(ingest);
    return ingest;
  }

  /** Waits until this many ingests share the cameras. */
  async shared(ingests: number): Promise<void> {
    const sessions = async () =>
      (await liveEntries(this.nats.manager, this.buckets.leases, "session.camera.>")).size;
    await vi.waitUntil(async () => (await sessions()) === ingests, { timeout: 20_000, interval: 20 });
  }

  async cameras(
    count: number,
    options: { user?: string; password?: string; clip?: string; sound?: boolean } = {},
  ): Promise<RtspCameras> {
    const logFile = join(this.#directory, `camera-${this.#cameras.length}.log`);
    const cameras = await RtspCameras.start({ count, logFile, ...options });
    this.#cameras.push(cameras);
    return cameras;
  }

  /** Writes a camera's record as the registration does: its secret first. */
  async register(
    id: string,
    record: Partial<CameraRecord> & { uri: string },
    secret?: { username: string; password: string },
  ): Promise<void> {
    const now = new Date().toISOString();
    if (secret) await this.buckets.cameraSecrets.put(id, encodeJson(secret));
    const full: CameraRecord = {
      transport: "tcp",
      targetFps: 0,
      model: testModel.name,
      minScore: 0,
      classes: [],
      hasCredentials: secret !== undefined,
      createTime: this.#registeredAt.get(id) ?? now,
      updateTime: now,
      ...record,
    };
    this.#registeredAt.set(id, full.createTime);
    await this.buckets.cameras.put(id, encodeJson(full));
  }

  /** Sets the stream of a camera that is recorded, as results does; undefined removes it. */
  async recordFrom(id: string, uri: string | undefined, secret?: CameraSecret): Promise<void> {
    const { cameraSecrets, recordStreams } = this.buckets;
    if (secret) await cameraSecrets.put(recordSecretKey(id), encodeJson(secret));
    if (uri === undefined) await recordStreams.delete(id);
    else await recordStreams.put(id, encodeJson({ uri, hasCredentials: secret !== undefined }));
  }

  /** Removes cameras and waits until ingest has released them. */
  async remove(...ids: string[]): Promise<void> {
    for (const id of ids) {
      await this.buckets.cameras.delete(id);
      this.#registeredAt.delete(id);
    }
    for (const id of ids)
      await vi.waitUntil(async () => (await this.status(id)) === undefined, {
        timeout: 60_000,
        interval: 20,
      });
  }

  async status(id: string): Promise<CameraStatus | undefined> {
    const entry = await this.buckets.cameraStatus.get(id);
    return entry?.operation === "PUT" ? CameraStatus.decode(entry.value) : undefined;
  }

  /** Collects all statuses of a camera that are written from now on, until `stop`. */
  async followStatus(id: string): Promise<{ statuses: CameraStatus[]; stop: () => Promise<void> }> {
    const statuses: CameraStatus[] = [];
    const watch = await this.buckets.cameraStatus.watch({ key: id });
    const watching = (async () => {
      for await (const entry of watch) statuses.push(CameraStatus.decode(entry.value));
    })();
    const stop = async () => {
      watch.stop();
      await watching;
    };
    return { statuses, stop };
  }

  /** Waits until a camera's status satisfies `wanted`, and returns it. */
  async statusThat(id: string, wanted: (status: CameraStatus) => boolean): Promise<CameraStatus> {
    return vi.waitUntil(
      async () => {
        const status = await this.status(id);
        return status && wanted(status) ? status : undefined;
      },
      { timeout: 60_000, interval: 50 },
    );
  }

  /** Waits until the worker has received this many frames of a camera in total. */
  async framesOf(id: string, count: number): Promise<void> {
    await vi.waitUntil(() => this.worker.of(id).length >= count, { timeout: 60_000, interval: 20 });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#ingests.map((life) => life.stop(log)));
    await Promise.all(this.#processes.map((ingest) => ingest.kill("SIGKILL")));
    await this.worker.stop();
    await this.announcement.stop(false);
    await Promise.all(this.#cameras.map((cameras) => cameras.stop()));
    await this.nats.connection.close();
    await this.server.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Whether an account balances: captured = inferred + dropped + in flight. */
export function balances({ captured, inferred, dropped, inFlight }: FrameLedger): boolean {
  return captured === inferred + inFlight + dropped.reduce((sum, { count }) => sum + count, 0);
}
