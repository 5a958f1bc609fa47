import { CameraRules, cameraRecordSchema, decodeJson, leaseTtlMs } from "@sightline/contracts";
import {
  CameraStatusView,
  connectNats,
  createLogger,
  decodeStatus,
  KvMirror,
  Lifecycle,
  openBuckets,
} from "@sightline/service";
import { wallAgeMs } from "@sightline/service/clock";
import { Registry } from "prom-client";
import { LiveAnalysis } from "../live-analysis.ts";
import type { EventPictures } from "../pictures/event-pictures.ts";

/** There is no ingest that could provide pictures. */
const noPictures: EventPictures = {
  analysed: () => undefined,
  settle: async () => undefined,
  published: () => undefined,
  forget: () => undefined,
};

/** The analysis alone, in this process, with its own connection. */
export class RunningAnalysis {
  readonly registry = new Registry();
  readonly #life = new Lifecycle();
  readonly #log = createLogger("test", "fatal");

  static async start(natsUrl: string, reorderWindowMs = 5_000): Promise<RunningAnalysis> {
    const running = new RunningAnalysis();
    await running.#start(natsUrl, reorderWindowMs);
    return running;
  }

  async #start(natsUrl: string, reorderWindowMs: number): Promise<void> {
    const log = this.#log;
    const nats = await connectNats(natsUrl, "analysis", log);
    this.#life.add({ stop: () => nats.connection.close() });
    nats.setBacks.observe(this.registry);
    const buckets = await openBuckets(nats.kv);
    const records = new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log);
    const statuses = new KvMirror(nats, buckets.cameraStatus, decodeStatus, log);
    const rules = new KvMirror(nats, buckets.cameraRules, (data) => CameraRules.decode(data), log);
    const text = new TextDecoder();
    const leases = new KvMirror(nats, buckets.leases, (data) => text.decode(data), log, leaseTtlMs);
    const holders = new KvMirror(nats, buckets.holders, (data) => text.decode(data), log);
    for (const mirror of [records, statuses, rules, leases, holders]) await this.#life.add(mirror).start();
    const status = this.#life.add(new CameraStatusView(statuses));
    const context = {
      nats,
      buckets,
      reorderWindowMs,
      status,
      rules,
      serverClock: { ageMs: wallAgeMs },
      pictures: noPictures,
      tracing: { record: () => undefined },
    };
    await this.#life.add(new LiveAnalysis({ records, holders, leases }, context, this.registry, log)).start();
  }

  /** The value of a metric's series; undefined when it does not exist. */
  async metric(series: string): Promise<number | undefined> {
    const text = await this.registry.metrics();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  async stop(): Promise<void> {
    await this.#life.stop(this.#log);
  }
}
