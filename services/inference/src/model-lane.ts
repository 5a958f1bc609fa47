import { setTimeout as delay } from "node:timers/promises";
import type { CandidateState, ModelVersions, ServedModel, WorkerInfo } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";
import { type Announcements, servedModel, workerInfo } from "./announcements.ts";
import { checkSameFrames, findModel, listVersions } from "./model-directory.ts";
import type { LoadedReadings } from "./model-metrics.ts";
import { RunningVersion, type VersionParts } from "./running-version.ts";

/** What a lane needs beyond what its versions need. */
export interface LaneParts extends VersionParts {
  /** Which version of each model all workers should serve. */
  wanted: Pick<KvMirror<ModelVersions>, "get" | "onChange">;
  /** Keeps what these functions return announced. */
  announce: (served: () => ServedModel, worker: () => WorkerInfo) => Announcements;
  /** What the worker reports besides this model. */
  more?: (() => Partial<WorkerInfo>) | undefined;
}

/**
 * When the active version could not be served, it is tried again after this long; the disk is checked for new versions
 * equally often.
 */
const againMs = 10_000;
const lookMs = 2_000;
/** A candidate that nobody has decided on after this long is given up. */
const candidateLifeMs = 10 * 60_000;
/** How long a replaced version may take to finish its frames. */
const finishMs = 30_000;
/** The same when the process ends. */
const leaveLimitMs = 500;

/** Serves one model in the wanted version: loads a new version while the old one runs, and then gives it the work. */
export class ModelLane {
  readonly model: string;
  readonly #parts: LaneParts;
  readonly #startTime = new Date().toISOString();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Replaced versions that still finish their frames. */
  readonly #leaving = new Set<Promise<void>>();
  #current: RunningVersion;
  #versions: string[] = [];
  /** A version that is loaded but does not take work yet, for an activation. */
  #spare: { version: RunningVersion; activation: string } | undefined;
  #candidate: CandidateState | undefined;
  #fault: string | undefined;
  #announcements: Announcements | undefined;
  #following: Promise<void> = Promise.resolve();
  #retryAt = 0;
  #unsubscribe = () => {};
  #stopped = false;

  private constructor(model: string, current: RunningVersion, parts: LaneParts) {
    this.model = model;
    this.#current = current;
    this.#parts = parts;
  }

  /**
   * Opens the wanted version of a model, or the one in its own folder, and takes work. `isBeside`: other models are served
   * already, and their frames do not wait for it.
   * @throws ModelFileError, WorkerError model_not_found or no_engine when it cannot be served
   */
  static async start(model: string, parts: LaneParts, isBeside = false): Promise<ModelLane> {
    const located = await findModel(parts.config.modelDirectory, model, parts.wanted.get(model)?.active);
    const lane = new ModelLane(
      model,
      await RunningVersion.open(located, parts, isBeside ? {} : undefined),
      parts,
    );
    await lane.#start();
    return lane;
  }

  /** The version that takes work. */
  get current(): RunningVersion {
    return this.#current;
  }

  /** When the model last ran, on the monotonic clock; 0 if never. */
  get ranAt(): number {
    return this.#parts.metrics.ranAt;
  }

  /** What its metrics read at each scrape. */
  readings(memoryBytes: () => number): LoadedReadings {
    return {
      slots: () => this.#current.slots,
      busySlots: () => this.#current.busySlots,
      restarts: () => this.#current.restarts,
      missing: () => this.#current.missing,
      up: () => this.#current.available,
      memoryBytes,
    };
  }

  /** Publishes its announcements now. */
  async tell(): Promise<void> {
    await this.#announcements?.refresh();
  }

  /** Takes no more work and finishes the frames that it has. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([this.#announcements?.stop(), this.#current.stop(), this.#spare?.version.stop()]);
    // The process has 15 s to end.
    const limit = delay(leaveLimitMs, undefined, { ref: false });
    await Promise.race([Promise.all(this.#leaving), limit]);
  }

  async #start(): Promise<void> {
    const { wanted, announce } = this.#parts;
    this.#versions = await this.#look();
    this.#report();
    this.#current.start();
    this.#announcements = announce(
      () =>
        servedModel(
          this.#current.located.manifest,
          this.#current.version,
          this.#current.session.engine.encoding,
        ),
      () => this.#info(),
    );
    await this.#announcements.start();
    this.#unsubscribe = wanted.onChange(({ key }) => key === this.model && this.#follow());
    this.#timers.push(setInterval(() => void this.#tick(), lookMs));
    this.#follow();
  }

  async #tick(): Promise<void> {
    this.#versions = await this.#look();
    if (Date.now() >= this.#retryAt) this.#follow();
  }

  #look(): Promise<string[]> {
    return listVersions(this.#parts.config.modelDirectory, this.model);
  }

  #info(): WorkerInfo {
    const { id, metrics, more } = this.#parts;
    // Whether there is room for more frames depends on all models of the process.
    const { utilization } = metrics.all.load.read();
    const { version, session } = this.#current;
    return {
      ...workerInfo(id, { model: this.model, version }, session, this.#current),
      startTime: this.#startTime,
      versions: this.#versions,
      ...(this.#candidate ? { candidate: this.#candidate } : {}),
      ...(this.#fault === undefined ? {} : { versionFault: this.#fault }),
      ...metrics.load.read(),
      utilization,
      ...more?.(),
    };
  }

  /** Moves toward the wanted state, one step after the other. */
  #follow(): void {
    this.#following = this.#following.then(async () => {
      if (this.#stopped) return;
      try {
        await this.#step();
      } catch (error) {
        this.#parts.log.error({ model: this.model, err: error }, "changing the version of a model failed");
      }
    });
  }

  async #step(): Promise<void> {
    const { active, candidate } = this.#parts.wanted.get(this.model) ?? {};
    if (candidate && candidate.activation !== this.#candidate?.activation) await this.#try(candidate);
    else if (active !== undefined && active !== this.#current.version) await this.#change(active);
    else if (!candidate && this.#candidate) await this.#forget();
    else this.#fault = undefined;
  }

  /** Loads a candidate while the current version runs, and reports the result. */
  async #try({ activation, version }: { activation: string; version: string }): Promise<void> {
    const { log } = this.#parts;
    await this.#forget();
    await this.#tell({ activation, state: "loading" });
    try {
      const spare = version === this.#current.version ? undefined : await this.#open(version);
      if (spare) this.#spare = { version: spare, activation };
      const { classes } = (spare ?? this.#current).located.manifest;
      await this.#tell({ activation, state: "ready", classes: [...classes] });
      const life = setTimeout(() => this.#giveUp(activation), candidateLifeMs);
      this.#timers.push(life.unref());
      log.info(
        { model: this.model, version },
        "a version is loaded and tested; it waits until it is made active",
      );
    } catch (error) {
      const { message } = error as Error;
      await this.#tell({ activation, state: "failed", message });
      log.warn(
        { model: this.model, version, err: error },
        "a version cannot be served; the old version stays in use",
      );
    }
    // The wanted state may have changed meanwhile.
    this.#follow();
  }

  /** @throws the reason why the version cannot replace the running one */
  async #open(version: string): Promise<RunningVersion> {
    const { modelDirectory } = this.#parts.config;
    const located = await findModel(modelDirectory, this.model, version);
    checkSameFrames(this.#current.located.manifest, located.manifest);
    return RunningVersion.open(located, this.#parts, this.#current);
  }

  async #change(active: string): Promise<void> {
    const { log } = this.#parts;
    try {
      if (this.#spare?.version.version !== active) await this.#forget();
      const ready = this.#spare?.version ?? (await this.#open(active));
      this.#spare = undefined;
      const old = this.#current;
      this.#current = ready;
      // Before the old version stops, so that there is always one that takes tokens; each token goes to one of them.
      ready.start();
      const leaving = old
        .stop(finishMs)
        .catch((error: Error) => log.error({ err: error }, "a version did not stop cleanly"));
      this.#leaving.add(leaving);
      void leaving.finally(() => this.#leaving.delete(leaving));
      this.#candidate = undefined;
      this.#fault = undefined;
      this.#report();
      await this.#announcements?.refresh();
      log.info(
        { model: this.model, version: active, before: old.version },
        "another version of the model is now served",
      );
      // The wanted state may have changed meanwhile.
      this.#follow();
    } catch (error) {
      this.#fault = `it serves version ${this.#current.version}, since it cannot serve the active ${active}: ${(error as Error).message}`;
      this.#retryAt = Date.now() + againMs;
      await this.#announcements?.refresh();
      log.error({ model: this.model, err: error }, this.#fault);
    }
  }

  #giveUp(activation: string): void {
    if (this.#candidate?.activation !== activation || this.#candidate.state !== "ready") return;
    const spare = this.#spare?.version;
    this.#spare = undefined;
    void spare?.stop();
    void this.#tell({ activation, state: "failed", message: "it was not made active within 10 minutes" });
  }

  async #forget(): Promise<void> {
    const spare = this.#spare?.version;
    this.#spare = undefined;
    this.#candidate = undefined;
    await spare?.stop();
    await this.#announcements?.refresh();
  }

  async #tell(candidate: CandidateState): Promise<void> {
    this.#candidate = candidate;
    await this.#announcements?.refresh();
  }

  #report(): void {
    this.#parts.metrics.session(this.#parts.id, this.#current.version, this.#current.session);
  }
}
