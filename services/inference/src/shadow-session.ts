import type { ModelShadow, PixelFormatName, ShadowSide } from "@sightline/contracts";
import { convertPixels, pixelBytes } from "@sightline/media";
import type { Logger } from "@sightline/service";
import { BatchSlots } from "./batch-slots.ts";
import { warmUpBeside } from "./beside.ts";
import type { InferenceConfig } from "./config.ts";
import { engineCandidates } from "./engine-choice.ts";
import { WorkerError } from "./errors.ts";
import { findModel, type LocatedModel } from "./model-directory.ts";
import { guessMemory, megabytes } from "./model-memory.ts";
import type { TurnRun } from "./session-messages.ts";
import { SessionThread } from "./session-thread.ts";
import { ModelTurns, type Turns } from "./turns.ts";

/** What models of shadows need. */
export interface ShadowSessionParts {
  config: InferenceConfig;
  turns: Turns<object>;
  threads: Set<SessionThread>;
  /** Bytes of memory that are free for models. */
  free: () => number;
  log: Logger;
}

/** A model that runs single frames, each at a moment when no other model wants to run. */
export class ShadowSession {
  readonly located: LocatedModel;
  readonly side: ShadowSide;
  /** Bytes of memory that it uses. */
  readonly bytes: number;
  readonly #place: Uint8Array;
  readonly #pixelFormat: PixelFormatName;
  readonly #runner: ModelTurns;
  readonly #thread: SessionThread;
  readonly #threads: Set<SessionThread>;

  private constructor(
    opened: {
      located: LocatedModel;
      side: ShadowSide;
      bytes: number;
      place: Uint8Array;
      pixelFormat: PixelFormatName;
    },
    runner: ModelTurns,
    thread: SessionThread,
    threads: Set<SessionThread>,
  ) {
    this.located = opened.located;
    this.side = opened.side;
    this.bytes = opened.bytes;
    this.#place = opened.place;
    this.#pixelFormat = opened.pixelFormat;
    this.#runner = runner;
    this.#thread = thread;
    this.#threads = threads;
  }

  /**
   * Loads the model and tests it, taking turns with the serving models.
   * @throws ModelFileError, WorkerError model_not_found, no_engine, batch_failed, no_memory
   */
  static async open(
    { model, version, precision }: Pick<ModelShadow, "model" | "version" | "precision">,
    active: string | undefined,
    { config, turns, threads, free, log }: ShadowSessionParts,
  ): Promise<ShadowSession> {
    const located = await findModel(config.modelDirectory, model, version ?? active);
    const { manifest } = located;
    const wanted = { ...config, sessions: 1, precision: precision ?? config.precision };
    const { least, about } = await guessMemory(located, wanted);
    if (about > free())
      throw new WorkerError(
        "no_memory",
        `it needs about ${megabytes(about)}, but only ${megabytes(Math.max(0, free()))} of SIGHTLINE_MODEL_MEMORY_MB are free`,
      );
    const slots = new BatchSlots<never>(1, 1, pixelBytes(manifest.frame, "gbrp"));
    const thread = new SessionThread({
      settings: {
        ...engineCandidates(located, wanted.executionProvider, wanted.precision),
        threads: config.threads,
        capacity: 1,
        frame: manifest.frame,
        // Frames come from another model's batch, as gbrp; they are converted for an engine that reads I420.
        frameFormat: "gbrp",
        otherFormat: true,
        classCount: manifest.classes.length,
        slots: slots.slots.map(({ memory }) => memory),
        warmUpSizes: [],
      },
      log,
      onAvailable: () => undefined,
    });
    threads.add(thread);
    const runner = new ModelTurns(turns, thread);
    const before = process.memoryUsage.rss();
    try {
      const { engine, pixelFormat } = await thread.start();
      slots.frameBytes = pixelBytes(manifest.frame, pixelFormat);
      await warmUpBeside(runner, slots.slots[0]!, [1], 1, config.batchGoal);
      const bytes = Math.max(process.memoryUsage.rss() - before, least);
      const side = { model, version: located.version, precision: engine.precision };
      const place = slots.pixels(0, 0);
      return new ShadowSession({ located, side, bytes, place, pixelFormat }, runner, thread, threads);
    } catch (error) {
      await thread.stop();
      threads.delete(thread);
      throw error;
    }
  }

  /** Copies a frame's pixels, planes G, B, R, to where they are run from. */
  place(pixels: Uint8Array): void {
    if (this.#pixelFormat === "gbrp") this.#place.set(pixels);
    else convertPixels(pixels, "gbrp", this.located.manifest.frame, this.#place);
  }

  /**
   * Runs the frame in its place; undefined when other models kept the machine busy for `limitMs`.
   * @throws WorkerError batch_failed
   */
  run(limitMs: number): Promise<TurnRun | undefined> {
    return this.#runner.runIdle(0, 1, limitMs);
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
    this.#threads.delete(this.#thread);
  }
}
