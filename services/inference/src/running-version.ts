import type { ArenaReaders } from "@sightline/frame-arena";
import type { Logger, Tracing } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { chooseBatchSize, curveSizes } from "./batch-curve.ts";
import { BatchSizing } from "./batch-sizing.ts";
import { warmUpBeside } from "./beside.ts";
import type { CameraFilters } from "./camera-filters.ts";
import type { InferenceConfig } from "./config.ts";
import type { DetectionPublisher } from "./detection-publisher.ts";
import { type EngineCandidates, engineCandidates } from "./engine-choice.ts";
import type { FrameSource } from "./frame-source.ts";
import type { LocatedModel } from "./model-directory.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import { reportSession } from "./report-session.ts";
import type { SessionInfo } from "./session-messages.ts";
import type { Shadows } from "./shadows.ts";
import { curveTogether, type SessionParts, VersionSession } from "./version-session.ts";
import type { InferenceWorker, WorkerOptions } from "./worker.ts";

/** What every version of a model needs. */
export interface VersionParts extends SessionParts {
  /** The worker's name in results. */
  id: string;
  config: InferenceConfig;
  frames: Pick<FrameSource, "fetch">;
  arenas: Pick<ArenaReaders, "read">;
  filters: Pick<CameraFilters, "of">;
  publisher: DetectionPublisher;
  metrics: ModelMetrics;
  tracing: Pick<Tracing, "record">;
  shadows: Pick<Shadows, "take">;
  secondStages: WorkerOptions["secondStages"];
  tokens: WorkerOptions["tokens"];
}

/** One version of a model with its sessions, and the workers that take work for them once started. */
export class RunningVersion {
  readonly located: LocatedModel;
  readonly #sessions: readonly VersionSession[];
  /** How each session's batches are sized. */
  readonly #sizings: readonly BatchSizing[];
  readonly #metrics: ModelMetrics;
  readonly #log: Logger;
  /** Sessions that were asked for and could not be opened. */
  readonly missing: number;

  private constructor(
    located: LocatedModel,
    { id, config, ...parts }: VersionParts,
    sessions: readonly VersionSession[],
    sizingOf: () => BatchSizing,
  ) {
    this.located = located;
    this.#sessions = sessions;
    this.#sizings = sessions.map(sizingOf);
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.missing = config.sessions - sessions.length;
    // All sessions run the same file on the same provider.
    const { digest, precision, provider } = this.#first.info.engine;
    for (const [index, session] of sessions.entries())
      session.use({
        ...parts,
        ...{ id, model: located.manifest, sizing: this.#sizings[index]! },
        inference: {
          modelDigest: digest,
          modelVersion: located.version,
          precision,
          executionProvider: provider,
        },
        maxDelayMs: config.maxDelayMs,
        maxAgeMs: config.maxAgeMs,
      });
  }

  /**
   * Opens a version and warms it up: alone, with all measurements; or beside the serving version, taking turns with it, and
   * with a test. A version takes over the batch size of the one that it will replace. All its sessions use the engine that
   * the first one found to work. Only the first must open: a version with fewer sessions than were asked for is slower.
   * @throws WorkerError no_engine when no execution provider can run it
   * @throws WorkerError batch_failed when it does not answer
   */
  static async open(
    located: LocatedModel,
    parts: VersionParts,
    beside?: Partial<Pick<RunningVersion, "batchSize">>,
  ): Promise<RunningVersion> {
    const { config, log } = parts;
    const { batchSize: wanted, maxBatch, batchGoal: goal } = config;
    const capacity = wanted === "auto" ? maxBatch : wanted;
    const sizes = wanted === "auto" ? curveSizes(maxBatch) : [wanted];
    const sessions: VersionSession[] = [];
    const user = {};
    const candidates = engineCandidates(located, config.executionProvider, config.precision);
    const open = async (engines: EngineCandidates, warmUpSizes: readonly number[]) => {
      const session = await VersionSession.open(located, parts, { user, engines, capacity, warmUpSizes });
      sessions.push(session);
      return session;
    };
    try {
      const { info, runner, slots } = await open(candidates, beside ? [] : sizes);
      const tried = beside?.batchSize === undefined ? sizes : [...new Set([1, beside.batchSize])];
      // Where the batch size is known, runs are measured only to estimate their duration, which the batcher corrects during
      // operation.
      const runs = beside?.batchSize === undefined ? 2 : 1;
      const alone = beside ? await warmUpBeside(runner, slots.slots[0]!, tried, runs, goal) : info.curve;
      const size = beside?.batchSize ?? (wanted === "auto" ? chooseBatchSize(alone, goal) : wanted);
      const same = { candidates: [info.engine], refusals: [] };
      const openFurther = async () => {
        while (sessions.length < config.sessions) await open(same, []);
      };
      const goOn = (err: Error) =>
        log.warn(
          { model: located.manifest.name, err, sessions: sessions.length, wanted: config.sessions },
          "not all sessions of the model can be opened, so the worker goes on with fewer; free memory and restart it, or lower SIGHTLINE_SESSIONS",
        );
      await openFurther().catch(goOn);
      // Some engines take memory only when they run.
      const curve = await curveTogether(sessions, alone, size).catch(async (error: Error) => {
        await Promise.all(sessions.splice(1).map((session) => session.stop()));
        // If it was the first that failed, the version does not answer.
        await runner.run(0, size);
        goOn(error);
        return alone;
      });
      reportSession(located, { ...info, curve }, { batchSize: size, sessions: sessions.length }, log);
      const onChange = (chosen: number, before: number) =>
        log.info(
          { model: located.manifest.name, batchSize: chosen, before },
          "the batch size under overload has changed: both sizes were compared while running",
        );
      const sizingOf = () => new BatchSizing({ curve, sizes, size, goal, now: monotonicMs, onChange });
      return new RunningVersion(located, parts, sessions, sizingOf);
    } catch (error) {
      await Promise.all(sessions.map((session) => session.stop()));
      throw error;
    }
  }

  get version(): string {
    return this.located.version;
  }

  /** The first session as it was opened, with what is now known about its runs. */
  get session(): SessionInfo {
    return { ...this.#first.info, curve: this.#sizings[0]!.curve };
  }

  /** Frames of a batch under overload. */
  get batchSize(): number {
    return this.#sizings[0]!.full;
  }

  /** RUNNING while one of its sessions takes work. */
  get state(): InferenceWorker["state"] {
    return this.#sessions.find(({ state }) => state === "RUNNING")?.state ?? this.#first.state;
  }

  /** How many batches run at the same time. */
  get sessions(): number {
    return this.#sessions.length;
  }

  /** Whether a session takes batches now. */
  get available(): boolean {
    return this.#sessions.some(({ thread }) => thread.available);
  }

  /** How often sessions were restarted. */
  get restarts(): number {
    return this.#sessions.reduce((sum, { thread }) => sum + thread.restarts, 0);
  }

  /** Number of slots for batches, of all sessions. */
  get slots(): number {
    return this.#sessions.reduce((sum, { slots }) => sum + slots.slots.length, 0);
  }

  get busySlots(): number {
    return this.#sessions.reduce((sum, { slots }) => sum + slots.busy, 0);
  }

  /** Starts to take work. */
  start(): void {
    this.#metrics.sessions = this.sessions;
    for (const session of this.#sessions) session.start();
  }

  /**
   * Takes no more work, finishes the frames that it has (within `limitMs`, if given), and frees the sessions. Safe to call
   * twice.
   */
  async stop(limitMs?: number): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.stop(limitMs)));
    this.#log.debug({ version: this.version }, "the sessions of a version were closed");
  }

  get #first(): VersionSession {
    return this.#sessions[0]!;
  }
}
