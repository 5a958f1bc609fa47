import { pixelBytes } from "@sightline/media";
import { type Logger, runMs } from "@sightline/service";
import type { CurvePoint } from "./batch-curve.ts";
import { BatchSlots } from "./batch-slots.ts";
import { batchSlots } from "./batcher.ts";
import type { InferenceConfig } from "./config.ts";
import type { EngineCandidates } from "./engine-choice.ts";
import type { Work } from "./held-frames.ts";
import type { LocatedModel } from "./model-directory.ts";
import type { SessionInfo } from "./session-messages.ts";
import { SessionThread } from "./session-thread.ts";
import { ModelTurns, type Turns } from "./turns.ts";
import { InferenceWorker, type WorkerOptions } from "./worker.ts";

/** What all sessions of a version share. */
export type SessionWork = Omit<WorkerOptions, "runner" | "slots" | "pixelFormat">;

/** What sessions need. */
export interface SessionParts {
  config: Pick<InferenceConfig, "threads" | "frameFormat">;
  turns: Turns<object>;
  /** Every thread with a session, including those that are still opening. */
  threads: Set<SessionThread>;
  log: Logger;
}

export interface VersionSessionOptions {
  user: object;
  engines: EngineCandidates;
  /** Most frames of a batch. */
  capacity: number;
  warmUpSizes: readonly number[];
}

/** One session of a version with its memory for batches, and the worker that takes work for it, if there is one yet. */
export class VersionSession {
  /** As it was opened. */
  info!: SessionInfo;
  readonly slots: BatchSlots<Work>;
  readonly runner: ModelTurns;
  readonly thread: SessionThread;
  readonly #threads: Set<SessionThread>;
  #worker: InferenceWorker | undefined;

  private constructor(
    { manifest: { frame, classes } }: LocatedModel,
    { config, turns, threads, log }: SessionParts,
    { user, engines, capacity, warmUpSizes }: VersionSessionOptions,
  ) {
    this.slots = new BatchSlots<Work>(batchSlots, capacity, pixelBytes(frame, "gbrp"));
    this.thread = new SessionThread({
      settings: {
        ...engines,
        ...{ threads: config.threads, capacity, frame, frameFormat: config.frameFormat },
        classCount: classes.length,
        slots: this.slots.slots.map(({ memory }) => memory),
        warmUpSizes,
      },
      log,
      onAvailable: (available) => this.#worker?.setAvailable(available),
    });
    this.runner = new ModelTurns(turns, this.thread, user);
    this.#threads = threads.add(this.thread);
  }

  /**
   * Opens a session for batches of `capacity` with the first of `engines` that works, and measures runs of `warmUpSizes`.
   * `user` takes turns: sessions of one user run at the same time.
   * @throws WorkerError no_engine when none works
   */
  static async open(
    located: LocatedModel,
    parts: SessionParts,
    options: VersionSessionOptions,
  ): Promise<VersionSession> {
    const session = new VersionSession(located, parts, options);
    try {
      session.info = await session.thread.start();
    } catch (error) {
      await session.stop();
      throw error;
    }
    session.slots.frameBytes = pixelBytes(located.manifest.frame, session.info.pixelFormat);
    return session;
  }

  get state(): InferenceWorker["state"] {
    return this.#worker?.state ?? "INITIALIZED";
  }

  /** Sets up the worker that takes work for it. */
  use(work: SessionWork): void {
    const { runner, slots, info } = this;
    this.#worker = new InferenceWorker({ ...work, runner, slots, pixelFormat: info.pixelFormat });
  }

  /** Starts to take work. */
  start(): void {
    this.#worker?.start();
    if (!this.thread.available) this.#worker?.setAvailable(false);
  }

  /**
   * Takes no more work, finishes the frames that it has (within `limitMs`, if given), and frees the session. Safe to call
   * twice.
   */
  async stop(limitMs?: number): Promise<void> {
    await this.#worker?.stop(limitMs);
    await this.thread.stop();
    this.#threads.delete(this.thread);
  }
}

/** Number of measured runs of all sessions at once, after one that is not counted. */
const togetherRuns = 3;

/**
 * How long runs take while all sessions run, calculated from the runs of one session alone: scaled by runs of `batch`
 * frames that are measured on all of them. For a single session, its curve is returned unchanged.
 * @throws WorkerError batch_failed when one does not answer
 */
export async function curveTogether(
  sessions: readonly Pick<VersionSession, "runner">[],
  alone: readonly CurvePoint[],
  batch: number,
): Promise<readonly CurvePoint[]> {
  if (sessions.length === 1) return alone;
  const durations: number[] = [];
  for (let n = 0; n <= togetherRuns; n++) {
    const runs = await Promise.all(sessions.map(({ runner }) => runner.run(0, batch)));
    if (n > 0) durations.push(...runs.map((run) => run.runMs));
  }
  durations.sort((a, b) => a - b);
  const slowness = Math.max(1, durations[durations.length >> 1]! / runMs(alone, batch));
  return alone.map((point) => ({
    batch: point.batch,
    milliseconds: point.milliseconds * slowness,
    fastest: point.fastest * slowness,
  }));
}
