import type { ArenaReaders } from "@sightline/frame-arena";
import { pixelBytes } from "@sightline/media";
import type { Logger, Tracing } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { chooseBatchSize, curveSizes } from "./batch-curve.ts";
import { BatchSizing } from "./batch-sizing.ts";
import { BatchSlots } from "./batch-slots.ts";
import { batchSlots } from "./batcher.ts";
import { warmUpBeside } from "./beside.ts";
import type { CameraFilters } from "./camera-filters.ts";
import type { InferenceConfig } from "./config.ts";
import type { DetectionPublisher } from "./detection-publisher.ts";
import { engineCandidates } from "./engine-choice.ts";
import type { FrameSource } from "./frame-source.ts";
import type { LocatedModel } from "./model-directory.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import { reportSession } from "./report-session.ts";
import type { SessionInfo } from "./session-messages.ts";
import { SessionThread } from "./session-thread.ts";
import type { Shadows } from "./shadows.ts";
import { InTurn, type Turns } from "./turns.ts";
import { InferenceWorker, type Work, type WorkerOptions } from "./worker.ts";

/** What every version of a model works with. */
export interface VersionParts {
  /** Names the worker in results. */
  id: string;
  config: InferenceConfig;
  turns: Turns<object>;
  /** Every thread with a session, also one that is still being opened. */
  threads: Set<SessionThread>;
  frames: Pick<FrameSource, "fetch">;
  arenas: Pick<ArenaReaders, "read">;
  filters: Pick<CameraFilters, "of">;
  publisher: DetectionPublisher;
  metrics: ModelMetrics;
  tracing: Pick<Tracing, "record">;
  shadows: Pick<Shadows, "take">;
  secondStages: WorkerOptions["secondStages"];
  tokens: WorkerOptions["tokens"];
  log: Logger;
}

/** One version of a model with its session, and what takes work for it once started. */
export class RunningVersion {
  readonly located: LocatedModel;
  readonly #session: SessionInfo;
  readonly #sizing: BatchSizing;
  readonly #parts: VersionParts;
  readonly #thread: SessionThread;
  readonly #slots: BatchSlots<Work>;
  readonly #worker: InferenceWorker;

  private constructor(
    located: LocatedModel,
    parts: VersionParts,
    opened: {
      thread: SessionThread;
      runner: InTurn;
      slots: BatchSlots<Work>;
      session: SessionInfo;
      sizing: BatchSizing;
    },
  ) {
    this.located = located;
    this.#session = opened.session;
    this.#sizing = opened.sizing;
    this.#parts = parts;
    this.#thread = opened.thread;
    this.#slots = opened.slots;
    const { session, sizing, slots } = opened;
    const {
      config,
      frames,
      arenas,
      filters,
      publisher,
      metrics,
      tracing,
      shadows,
      secondStages,
      tokens,
      log,
    } = parts;
    this.#worker = new InferenceWorker({
      id: parts.id,
      model: located.manifest,
      inference: {
        modelDigest: session.engine.digest,
        modelVersion: located.version,
        precision: session.engine.precision,
        executionProvider: session.engine.provider,
      },
      pixelFormat: session.pixelFormat,
      sizing,
      maxDelayMs: config.maxDelayMs,
      maxAgeMs: config.maxAgeMs,
      runner: opened.runner,
      slots,
      frames,
      arenas,
      filters,
      publisher,
      metrics,
      tracing,
      shadows,
      secondStages,
      tokens,
      log,
    });
  }

  /**
   * Opens a version and warms it up: alone, with all that can be measured; or beside what serves, in turns with it, and tried out.
   * A version takes the batch size of the one that it is to replace.
   * @throws EngineChoiceError when no execution provider can run it
   * @throws BatchFailedError when it does not answer
   */
  static async open(
    located: LocatedModel,
    parts: VersionParts,
    beside?: Partial<Pick<RunningVersion, "batchSize">>,
  ): Promise<RunningVersion> {
    const { config, turns, log } = parts;
    const { manifest } = located;
    const capacity = config.batchSize === "auto" ? config.maxBatch : config.batchSize;
    const slots = new BatchSlots<Work>(batchSlots, capacity, pixelBytes(manifest.frame, "gbrp"));
    const sizes = config.batchSize === "auto" ? curveSizes(config.maxBatch) : [config.batchSize];
    let follow = (_available: boolean) => {};
    const thread = new SessionThread({
      settings: {
        ...engineCandidates(located, config.executionProvider, config.precision),
        threads: config.threads,
        capacity,
        frame: manifest.frame,
        frameFormat: config.frameFormat,
        classCount: manifest.classes.length,
        slots: slots.slots.map(({ memory }) => memory),
        warmUpSizes: beside ? [] : sizes,
      },
      log,
      onAvailable: (available) => follow(available),
    });
    parts.threads.add(thread);
    const runner = new InTurn(turns, thread);
    try {
      const session = await thread.start();
      slots.frameBytes = pixelBytes(manifest.frame, session.pixelFormat);
      const tried = beside?.batchSize === undefined ? sizes : [...new Set([1, beside.batchSize])];
      // Where the batch size is known, runs are measured only to know how long one takes, which the batcher corrects as it runs.
      const runs = beside?.batchSize === undefined ? 2 : 1;
      const curve = beside
        ? await warmUpBeside(runner, slots.slots[0]!, tried, runs, config.batchGoal)
        : session.curve;
      const batchSize =
        beside?.batchSize ??
        (config.batchSize === "auto" ? chooseBatchSize(curve, config.batchGoal) : config.batchSize);
      reportSession(located, { ...session, curve }, batchSize, log);
      const opened = new RunningVersion(located, parts, {
        thread,
        runner,
        slots,
        session: { ...session, curve },
        sizing: new BatchSizing({
          ...{ curve, sizes, size: batchSize, goal: config.batchGoal, now: monotonicMs },
          onChange: (chosen, before) =>
            log.info(
              { model: manifest.name, batchSize: chosen, before },
              "batches have another size where more is offered than can be inferred: both were compared while running",
            ),
        }),
      });
      follow = (available) => opened.#worker.setAvailable(available);
      return opened;
    } catch (error) {
      await thread.stop();
      parts.threads.delete(thread);
      throw error;
    }
  }

  get version(): string {
    return this.located.version;
  }

  /** The session as it was opened, with what is known of its runs now. */
  get session(): SessionInfo {
    return { ...this.#session, curve: this.#sizing.curve };
  }

  /** Frames of a batch where more is offered than can be inferred. */
  get batchSize(): number {
    return this.#sizing.full;
  }

  get state(): InferenceWorker["state"] {
    return this.#worker.state;
  }

  /** Whether the session takes batches now. */
  get available(): boolean {
    return this.#thread.available;
  }

  /** How often the session was started again. */
  get restarts(): number {
    return this.#thread.restarts;
  }

  get busySlots(): number {
    return this.#slots.busy;
  }

  /** Begins to take work. */
  start(): void {
    this.#worker.start();
    if (!this.#thread.available) this.#worker.setAvailable(false);
  }

  /** Takes no more, finishes what it has (within `limitMs`, if given), and frees the session. Safe to call twice. */
  async stop(limitMs?: number): Promise<void> {
    await this.#worker.stop(limitMs);
    await this.#thread.stop();
    this.#parts.threads.delete(this.#thread);
    this.#parts.log.debug({ version: this.version }, "the session of a version is closed");
  }
}
