import { setTimeout as delay } from "node:timers/promises";
import type { StreamInfo } from "@nats-io/jetstream";
import type { Camera, HttpSystem, ServedModel, WorkerInfo } from "@sightline/contracts";
import { diskRoom, type Nats } from "@sightline/service";
import type { CameraScope } from "../access/camera-scope.ts";
import type { SiteState } from "../sites/sites.ts";
import { diagnosisSeconds } from "./camera-view.ts";
import { diagnoseSystem } from "./findings/diagnose-system.ts";
import { isUnanalysed } from "./findings/shortfalls.ts";
import { toHttpCamera } from "./json/camera-json.ts";
import type { SeriesStore } from "./series/series-store.ts";

/** Callers within this time share one answer of NATS; a slower answer is not awaited. */
const streamsMs = 1_000;
/** Streams of key-value buckets; their content is shown by name elsewhere. */
const bucketPrefix = "KV_";

export interface SystemParts {
  version: string;
  nats: Pick<Nats, "connection" | "manager" | "connected" | "watch">;
  /** Directory of NATS's data, if it is on this machine. */
  natsStore: string | undefined;
  /** State of the sites of this centre; empty if it is not a centre. */
  sites: () => readonly SiteState[];
  /** Whether any process analyses cameras. */
  analysed: () => boolean;
  workers: () => WorkerInfo[];
  models: () => ServedModel[];
  defaultModel: string;
  cameras: () => Camera[];
  series: SeriesStore;
}

/** The whole system: workers, models, streams, and what is wrong with them. */
export class SystemView {
  readonly #parts: SystemParts;
  #streams: { at: number; infos: Promise<void> } | undefined;
  #known: StreamInfo[] = [];

  constructor(parts: SystemParts) {
    this.#parts = parts;
  }

  /** A caller who does not see all cameras gets its own, and the sites whose cameras it may see, but not the streams' totals over all cameras. */
  async show(scope: CameraScope): Promise<HttpSystem> {
    const { version, nats, sites, workers, models, defaultModel, cameras, series, analysed } = this.#parts;
    const { info } = nats.connection;
    const system: Omit<HttpSystem, "findings"> = {
      version,
      nats: { connected: nats.connected(), version: info?.version ?? "", cluster: info?.cluster ?? "" },
      workers: workers().toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      models: models().map(({ name, architecture, width, height, classes, accuracy }) => ({
        name,
        architecture,
        width,
        height,
        classes,
        accuracy: accuracy ?? null,
        isDefault: name === defaultModel,
      })),
      streams: scope.all ? (await this.#readStreams()).map(toHttpStream) : [],
      storage: await this.#storage(),
      sites: sites()
        .filter(({ site }) => scope.seesSome(`${site}-`))
        .map(toHttpSite),
    };
    const shown = cameras()
      .map((camera) => ({ ...toHttpCamera(camera), unanalysed: isUnanalysed(camera.status) }))
      .filter(({ id }) => scope.sees(id));
    const samples = new Map(shown.map(({ id }) => [id, series.recent(id, diagnosisSeconds)]));
    return { ...system, findings: diagnoseSystem({ ...system, analysed: analysed() }, shown, samples) };
  }

  async #storage(): Promise<HttpSystem["storage"]> {
    const { nats, natsStore } = this.#parts;
    const faults = nats.watch.faults().map(({ stream, lacks, reason, code, since }) => ({
      stream,
      lacks,
      reason,
      code: code ?? null,
      sinceTime: new Date(since).toISOString(),
    }));
    return { faults, disk: (natsStore && (await diskRoom(natsStore))) || null };
  }

  /** The last known streams while NATS is slow to answer; empty while it is away. */
  async #readStreams(): Promise<StreamInfo[]> {
    const { nats } = this.#parts;
    if (!nats.connected()) return [];
    const now = performance.now();
    if (!this.#streams || now - this.#streams.at > streamsMs)
      this.#streams = { at: now, infos: this.#list() };
    await Promise.race([this.#streams.infos, delay(streamsMs, undefined, { ref: false })]);
    return this.#known.filter(({ config }) => !config.name.startsWith(bucketPrefix));
  }

  async #list(): Promise<void> {
    try {
      this.#known = await Array.fromAsync(this.#parts.nats.manager.streams.list());
    } catch {
      // NATS's watch reports what does not work.
    }
  }
}

function toHttpSite({ site, pending, clash, failure, ...rest }: SiteState): HttpSystem["sites"][number] {
  return { name: site, ...rest, pending: pending ?? null, clash: clash ?? null, failure: failure ?? null };
}

function toHttpStream({ config, state }: StreamInfo): HttpSystem["streams"][number] {
  return {
    name: config.name,
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: Math.max(0, config.max_bytes),
    maxAgeSeconds: config.max_age / 1e9,
    oldestTime: state.messages === 0 ? null : new Date(Date.parse(state.first_ts)).toISOString(),
    consumers: state.consumer_count,
  };
}
