import type { KV } from "@nats-io/kv";
import type { CameraRecord, WorkerInfo } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { type LaneParts, ModelLane } from "./model-lane.ts";
import { idleModels, megabytes, noRoom } from "./model-memory.ts";
import type { InferenceMetrics } from "./model-metrics.ts";
import { type ModelOffer, ModelOffers } from "./model-offers.ts";
import type { SecondStages } from "./second-stages.ts";

/** What the pool gives a lane for its own model. */
type OwnParts = "id" | "metrics" | "tokens" | "announce" | "more";

export interface PoolParts {
  /** The worker's id; lanes of further models append the model's name. */
  id: string;
  /** What all lanes share. */
  shared: Omit<LaneParts, OwnParts>;
  /** What each lane has for itself. */
  own: (model: string, id: string) => Pick<LaneParts, "tokens" | "announce">;
  metrics: InferenceMetrics;
  cameras: Pick<KvMirror<CameraRecord>, "keys" | "get" | "onChange">;
  models: KV;
  /** Makes sure that the queue of the model's tokens exists. */
  provision: (model: string) => Promise<void>;
  /** How many tokens wait in that queue. */
  waiting: (model: string) => Promise<number>;
  /** Versions that could not be fetched to the disk. */
  unfetched?: () => NonNullable<WorkerInfo["unfetched"]>;
  /** Memory of models that run for shadows, and a function that frees all of it. */
  shadows: { bytes: () => number; end: (why: string) => Promise<void> };
  /** Memory of the loaded second stages, and what is reported of all. */
  secondStages: Pick<SecondStages, "bytes" | "told">;
}

interface Loaded {
  lane: ModelLane;
  bytes: number;
  /** When a camera last requested the model. */
  askedAt: number;
  loadedAt: number;
}

const lookMs = 1_000;
/** The directory of models is read again after this time, or when a camera changes. */
const directoryMs = 3_000;

/**
 * The models of one worker. The first is always served. Others are loaded when a camera requests them, within a memory
 * limit. They are unloaded when no camera has requested them for some time, or when a model that frames wait for needs the
 * room: first those that no camera requests, then those that ran longest ago. A model that cannot be loaded is reported,
 * and the others are not affected.
 */
export class ModelPool {
  readonly #parts: PoolParts;
  readonly #offers: ModelOffers;
  readonly #loaded = new Map<string, Loaded>();
  readonly #main: ModelLane;
  #mainBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();
  #behind = false;
  /** When the directory of models is due. */
  #directoryAt = 0;
  #stopped = false;
  #unsubscribe = () => {};

  private constructor(parts: PoolParts, main: ModelLane) {
    this.#parts = parts;
    this.#main = main;
    this.#offers = new ModelOffers(parts.models, parts.shared, (model) => this.#loaded.has(model));
  }

  /**
   * Serves the first model, and offers the others.
   * @throws ModelFileError, WorkerError model_not_found or no_engine when the first model cannot be served
   */
  static async start(parts: PoolParts): Promise<ModelPool> {
    const { config } = parts.shared;
    const told: { pool?: ModelPool } = {};
    const before = process.memoryUsage.rss();
    const main = await ModelLane.start(
      config.model,
      laneParts(parts, config.model, () => told.pool?.told() ?? {}),
    );
    const pool = new ModelPool(parts, main);
    told.pool = pool;
    pool.#mainBytes = process.memoryUsage.rss() - before;
    parts.metrics.of(config.model).loaded(main.readings(() => pool.#mainBytes));
    if (config.models === "" || config.models === config.model) return pool;
    pool.#unsubscribe = parts.cameras.onChange(() => {
      pool.#directoryAt = 0;
      pool.#follow();
    });
    pool.#timer = setInterval(() => pool.#follow(), lookMs);
    pool.#follow();
    return pool;
  }

  /** The first model, which is always served. */
  get main(): ModelLane {
    return this.#main;
  }

  /** Models that are loaded. */
  get models(): string[] {
    return [this.#main.model, ...this.#loaded.keys()];
  }

  /** What the worker reports about the models beyond the first. */
  told(): Pick<WorkerInfo, "loadable" | "unserved" | "unfetched" | "secondStages"> {
    const secondStages = this.#parts.secondStages.told();
    const unfetched = this.#parts.unfetched?.() ?? [];
    return {
      ...this.#offers.told(),
      ...(unfetched.length > 0 ? { unfetched } : {}),
      ...(secondStages.length > 0 ? { secondStages } : {}),
    };
  }

  /** Takes no more work and finishes the frames that it has. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    const lanes = [this.#main, ...[...this.#loaded.values()].map(({ lane }) => lane)];
    await Promise.all([...lanes.map((lane) => lane.stop()), this.#offers.stop()]);
  }

  /** One step after the other; a request made while another one waits is combined with it. */
  #follow(): void {
    if (this.#behind) return;
    this.#behind = true;
    this.#following = this.#following.then(async () => {
      this.#behind = false;
      if (this.#stopped) return;
      try {
        await this.#step();
      } catch (error) {
        this.#parts.shared.log.error({ err: error }, "loading and unloading models failed; trying again");
      }
    });
  }

  async #step(): Promise<void> {
    const { shared, metrics } = this.#parts;
    if (monotonicMs() >= this.#directoryAt) {
      this.#directoryAt = monotonicMs() + directoryMs;
      await this.#offers.look((gone) => metrics.of(gone).loadable(undefined));
    }
    const asked = this.#asked();
    const now = monotonicMs();
    for (const [model, loaded] of this.#loaded)
      if (asked.has(model)) loaded.askedAt = now;
      else if (now - loaded.askedAt >= 1000 * shared.config.modelIdleSeconds)
        await this.#unload(model, "unused");
    for (const [model, offer] of this.#offers.all()) {
      if (asked.has(model) && !this.#loaded.has(model)) await this.#serve(model, offer);
      else await this.#offers.notAsked(model, offer);
      metrics.of(model).loadable(offer.fault === undefined);
      if (this.#stopped) return;
    }
  }

  async #serve(model: string, offer: ModelOffer): Promise<void> {
    if (monotonicMs() < offer.retryAt) return;
    await this.#parts.provision(model);
    if (!(await this.#makeRoom(model, offer))) return;
    const { log } = this.#parts.shared;
    const metrics = this.#parts.metrics.of(model);
    log.info({ model, memory: megabytes(offer.bytes) }, "a camera asks for a model; loading it");
    const before = process.memoryUsage.rss();
    try {
      const lane = await ModelLane.start(model, laneParts(this.#parts, model), true);
      const loaded: Loaded = { lane, bytes: 0, askedAt: monotonicMs(), loadedAt: monotonicMs() };
      loaded.bytes = Math.max(process.memoryUsage.rss() - before, offer.least);
      this.#loaded.set(model, loaded);
      metrics.loaded(lane.readings(() => loaded.bytes));
      metrics.loadEnded("loaded");
      log.info(
        { model, memory: megabytes(loaded.bytes), inAll: megabytes(this.#bytes()) },
        "a model is loaded",
      );
      await this.#offers.loaded(offer, loaded.bytes);
      if (this.#stopped) await lane.stop();
      else if (this.#bytes() > this.#limit()) await this.#unload(model, "room");
    } catch (error) {
      metrics.loadEnded("failed");
      log.error(
        { model, err: error },
        "a model that a camera asks for cannot be loaded; other models are not affected",
      );
      await this.#offers.failed(offer, error as Error);
    }
    await this.#main.tell();
  }

  /** Whether there is room for a model, after unloading others that are not in use. */
  async #makeRoom(model: string, offer: ModelOffer): Promise<boolean> {
    const limit = this.#limit();
    const lacks = () => this.#bytes() + offer.bytes - limit;
    if (lacks() > 0 && this.#parts.shadows.bytes() > 0)
      await this.#parts.shadows.end(`the memory is needed for model ${model}`);
    if (lacks() <= 0) return true;
    const asked = this.#asked();
    const now = monotonicMs();
    // A camera that sends no frames does not cause another model to be unloaded.
    const isWanted = (await this.#parts.waiting(model)) > 0;
    const loaded = [...this.#loaded].map(([name, { lane, loadedAt, bytes }]) => ({
      ...{ name, bytes, isAsked: asked.has(name) },
      ranAt: Math.max(loadedAt, lane.ranAt),
    }));
    const idle = idleModels(loaded, isWanted, now);
    const gain = idle.reduce((sum, { bytes }) => sum + bytes, 0);
    if (gain >= lacks()) {
      for (const { name } of idle) if (lacks() > 0) await this.#unload(name, "room");
      return true;
    }
    const others = [
      [this.#main.model, this.#mainBytes] as const,
      ...[...this.#loaded].map(([name, { bytes }]) => [name, bytes] as const),
      ...(this.#parts.secondStages.bytes() > 0
        ? [["second stages", this.#parts.secondStages.bytes()] as const]
        : []),
    ];
    const fault = noRoom(offer.bytes, limit, limit - this.#bytes(), others);
    // A camera that sends no frames waits until its first.
    if (isWanted || this.#mainBytes + offer.bytes > limit) await this.#sayFault(model, offer, fault);
    else offer.fault = undefined;
    return false;
  }

  async #sayFault(model: string, offer: ModelOffer, fault: string): Promise<void> {
    const isNew = offer.fault === undefined;
    offer.fault = fault;
    if (!isNew) return;
    this.#parts.shared.log.warn(
      { model, fault },
      "there is not enough memory for a model that a camera asks for",
    );
    await this.#main.tell();
  }

  async #unload(model: string, reason: "unused" | "room"): Promise<void> {
    const loaded = this.#loaded.get(model);
    if (!loaded) return;
    this.#parts.shared.log.info({ model, memory: megabytes(loaded.bytes), reason }, "a model is unloaded");
    const offer = this.#offers.get(model);
    // Before the lane stops announcing it.
    if (offer) await this.#offers.announce(offer, true);
    this.#loaded.delete(model);
    const metrics = this.#parts.metrics.of(model);
    metrics.unloaded();
    metrics.unloadedFor(reason);
    await loaded.lane.stop();
    await this.#main.tell();
  }

  /** Models that cameras request. */
  #asked(): Set<string | undefined> {
    const { cameras } = this.#parts;
    return new Set(cameras.keys().map((camera) => cameras.get(camera)?.model));
  }

  #bytes(): number {
    const { shadows, secondStages } = this.#parts;
    const own = this.#mainBytes + shadows.bytes() + secondStages.bytes();
    return [...this.#loaded.values()].reduce((sum, { bytes }) => sum + bytes, own);
  }

  /** Bytes that are free for another model besides the loaded ones. */
  get free(): number {
    return this.#limit() - this.#bytes();
  }

  #limit(): number {
    return this.#parts.shared.config.modelMemoryMb * 1024 ** 2;
  }
}

function laneParts(
  { id, shared, own, metrics }: PoolParts,
  model: string,
  more?: LaneParts["more"],
): LaneParts {
  const laneId = model === shared.config.model ? id : `${id}-${model}`;
  return { ...shared, ...own(model, laneId), id: laneId, metrics: metrics.of(model), more };
}
