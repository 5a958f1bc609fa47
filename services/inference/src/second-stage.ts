import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerSecondStage } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { type ClassifierManifest, readClassifier } from "@sightline/yolo-nas";
import type { InferenceConfig } from "./config.ts";
import { WorkerError } from "./errors.ts";
import { megabytes } from "./model-memory.ts";
import type { SecondStageAnswer, SecondStageRequest, SecondStageSettings } from "./second-stage-worker.ts";
import { ThreadedSession } from "./threaded-session.ts";
import type { Turns } from "./turns.ts";

/** What second stages need. */
export interface SecondStageParts {
  config: InferenceConfig;
  turns: Turns<object>;
  /** Bytes of memory that are free for models. */
  free: () => number;
  log: Logger;
  /** Called when its reported state has changed. */
  onChange: () => void;
}

type Session = ThreadedSession<SecondStageSettings, object, SecondStageRequest, SecondStageAnswer>;

/** After an error the model is loaded again after this long. */
const againMs = 30_000;
/** A thread with the runtime, and what a run needs. */
const threadBytes = 24 * 1024 ** 2;
const entry = new URL("./second-stage-worker.ts", import.meta.url);

/** One model for second stages: it is loaded when a camera's frame needs it, and reported when that fails. */
export class SecondStage {
  readonly manifest: ClassifierManifest;
  readonly #folder: string;
  readonly #parts: SecondStageParts;
  #session: Session | undefined;
  #opening: Promise<void> | undefined;
  #fault: string | undefined;
  #retryAt = 0;
  #stopped = false;
  /** Bytes of memory that it uses. */
  bytes = 0;

  constructor(folder: string, manifest: ClassifierManifest, parts: SecondStageParts) {
    this.#folder = folder;
    this.manifest = manifest;
    this.#parts = parts;
  }

  get told(): WorkerSecondStage {
    const { name, version, attributes } = this.manifest;
    return {
      model: name,
      version,
      attributes: attributes.map(({ name, values }) => ({ name, values: [...values] })),
      loaded: this.#session?.available ?? false,
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
    };
  }

  /** Whether it can classify objects now. If not, reading this starts to load it. */
  get isReady(): boolean {
    if (!this.#session && !this.#opening && Date.now() >= this.#retryAt && !this.#stopped) {
      this.#opening = this.#open().finally(() => {
        this.#opening = undefined;
        this.#parts.onChange();
      });
    }
    return this.#session?.available ?? false;
  }

  /**
   * Classifies objects of a frame, when it is its turn.
   * @throws WorkerError batch_failed
   */
  async look(request: SecondStageRequest): Promise<SecondStageAnswer> {
    const session = this.#session;
    const { turns } = this.#parts;
    await turns.take(this);
    return turns.during(() =>
      session
        ? session.ask(request)
        : Promise.reject(new WorkerError("batch_failed", "the second stage was unloaded")),
    );
  }

  /** Frees its memory; the next frame that needs it loads it again. */
  async unload(): Promise<void> {
    await this.#opening;
    const session = this.#session;
    this.#session = undefined;
    this.bytes = 0;
    await session?.stop();
    this.#parts.onChange();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.unload();
  }

  async #open(): Promise<void> {
    const { config, free, log } = this.#parts;
    const { name, attributes, files } = this.manifest;
    const path = join(this.#folder, files.fp32.file);
    let session: Session | undefined;
    try {
      const about = 2 * (await stat(path)).size + threadBytes;
      if (about > free())
        throw new WorkerError(
          "no_memory",
          `it needs about ${megabytes(about)}, but only ${megabytes(Math.max(0, free()))} of SIGHTLINE_MODEL_MEMORY_MB are free`,
        );
      // Checks the digests too.
      await readClassifier(this.#folder);
      session = new ThreadedSession({
        settings: { path, attributes, threads: config.threads },
        ...{ log, entry, onAvailable: () => this.#parts.onChange() },
      });
      const before = process.memoryUsage.rss();
      await session.start();
      this.bytes = Math.max(process.memoryUsage.rss() - before, about - threadBytes);
      this.#session = session;
      this.#fault = undefined;
      log.info({ model: name, memory: megabytes(this.bytes) }, "a second stage was loaded");
    } catch (error) {
      await session?.stop();
      this.#fault = (error as Error).message;
      this.#retryAt = Date.now() + againMs;
      log.error(
        { model: name, err: error },
        "a second stage cannot be loaded; frames are published without its attributes",
      );
    }
  }
}
