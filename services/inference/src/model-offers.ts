import type { KV } from "@nats-io/kv";
import { backoffMs, type ServedModel, type WorkerInfo } from "@sightline/contracts";
import { Announcement } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { servedModel } from "./announcements.ts";
import { engineCandidates } from "./engine-choice.ts";
import { type LocatedModel, modelNames, peekModel } from "./model-directory.ts";
import type { LaneParts } from "./model-lane.ts";
import { guessMemory } from "./model-memory.ts";

const againRange = { firstMs: 10_000, mostMs: 5 * 60_000 };

/** A model that can be loaded, and the result of trying. */
export interface ModelOffer {
  located: LocatedModel;
  announcement: Announcement;
  announced: boolean;
  /** Memory that it uses: an estimate until it was measured; and the least that it uses. */
  bytes: number;
  least: number;
  /** Why it is not loaded although a camera requests it. */
  fault: string | undefined;
  /** When a model that could not be loaded is tried again. */
  retryAt: number;
  failures: number;
}

/**
 * The further models that a worker could serve: those in its directory, and what is reported of each while it is not
 * loaded.
 */
export class ModelOffers {
  readonly #models: KV;
  readonly #shared: Pick<LaneParts, "config" | "wanted" | "log">;
  readonly #isLoaded: (model: string) => boolean;
  readonly #offers = new Map<string, ModelOffer>();
  /** Models of the setting that are not available, and why. */
  readonly #missing = new Map<string, string>();

  /** `models`: the bucket in which models are announced. */
  constructor(
    models: KV,
    shared: Pick<LaneParts, "config" | "wanted" | "log">,
    isLoaded: (model: string) => boolean,
  ) {
    this.#models = models;
    this.#shared = shared;
    this.#isLoaded = isLoaded;
  }

  /** Each offer, by the model's name. */
  all(): Iterable<[model: string, offer: ModelOffer]> {
    return this.#offers;
  }

  get(model: string): ModelOffer | undefined {
    return this.#offers.get(model);
  }

  /**
   * What the worker reports of models that are not loaded: which ones it would load, and why it does not load those that a
   * camera requests.
   */
  told(): Pick<WorkerInfo, "loadable" | "unserved"> {
    const offers = [...this.#offers].filter(([model]) => !this.#isLoaded(model));
    const loadable = offers.filter(([, { announced }]) => announced).map(([model]) => model);
    const unserved = offers.flatMap(([model, { fault }]) =>
      fault === undefined ? [] : [{ model, why: fault }],
    );
    return {
      ...(loadable.length > 0 ? { loadable } : {}),
      ...(unserved.length > 0 ? { unserved } : {}),
    };
  }

  /** Offers the models that are in the directory now; `gone` is called for each model that has disappeared. */
  async look(gone: (model: string) => void): Promise<void> {
    const { config, wanted, log } = this.#shared;
    const there =
      config.models === "all" ? await modelNames(config.modelDirectory) : config.models.split(",");
    const names = there.map((name) => name.trim()).filter((name) => name !== config.model);
    for (const name of names) {
      const located = await peekModel(config.modelDirectory, name, wanted.get(name)?.active).catch(
        (error: Error) => this.#notThere(name, error),
      );
      if (located) this.#missing.delete(name);
      const known = this.#offers.get(name);
      if (!located || known?.located.version === located.version) continue;
      const offer: ModelOffer = known ?? {
        ...{ located, bytes: 0, least: 0, announced: false, fault: undefined, retryAt: 0, failures: 0 },
        announcement: new Announcement(this.#models, name, () => this.#served(name), log),
      };
      const { least, about } = await guessMemory(located, config);
      Object.assign(offer, { located, least, bytes: about, retryAt: 0, failures: 0 });
      this.#offers.set(name, offer);
      if (!this.#isLoaded(name)) await this.announce(offer, true);
    }
    for (const [name, offer] of this.#offers) {
      if (names.includes(name) || this.#isLoaded(name)) continue;
      await this.announce(offer, false);
      gone(name);
      this.#offers.delete(name);
    }
  }

  /** Logged once for each reason, because the directory is checked repeatedly. */
  #notThere(model: string, error: Error): undefined {
    if (this.#missing.get(model) === error.message) return;
    this.#missing.set(model, error.message);
    this.#shared.log.warn({ model, err: error }, "a model of SIGHTLINE_MODELS cannot be served");
  }

  #served(name: string): ServedModel | undefined {
    const { located } = this.#offers.get(name)!;
    const { executionProvider, precision } = this.#shared.config;
    const [engine] = engineCandidates(located, executionProvider, precision).candidates;
    return servedModel(located.manifest, located.version, engine?.encoding);
  }

  /** No camera requests the model now: if it failed, it may be requested again. */
  async notAsked(model: string, offer: ModelOffer): Promise<void> {
    offer.fault = undefined;
    if (!this.#isLoaded(model) && monotonicMs() >= offer.retryAt) await this.announce(offer, true);
  }

  /** The model is loaded, and this is how much memory it takes. */
  async loaded(offer: ModelOffer, bytes: number): Promise<void> {
    Object.assign(offer, { bytes, failures: 0, fault: undefined });
    await this.announce(offer, false);
  }

  /** The model could not be loaded. Cameras that request it learn that no worker serves it, unless another one does. */
  async failed(offer: ModelOffer, error: Error): Promise<void> {
    offer.fault = `it cannot be loaded: ${error.message}`;
    offer.retryAt = monotonicMs() + backoffMs(++offer.failures, againRange);
    await this.announce(offer, false);
  }

  /** Ingest and results rely on an announced model; while it is loaded, its lane announces it. */
  async announce(offer: ModelOffer, announced: boolean): Promise<void> {
    if (offer.announced === announced) return;
    offer.announced = announced;
    await (announced ? offer.announcement.start() : offer.announcement.stop(false));
  }

  /** Stops announcing. */
  async stop(): Promise<void> {
    await Promise.all([...this.#offers.values()].map(({ announcement }) => announcement.stop(false)));
  }
}
