import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Logger } from "@sightline/service";
import type { BatchRunner } from "./batch-runner.ts";
import { EngineChoiceError } from "./engine-choice.ts";
import {
  type BatchRun,
  type RunRequest,
  type SessionInfo,
  type SessionMessage,
  type SessionSettings,
  stopRequest,
} from "./session-messages.ts";

/** A batch that the session could not infer. */
export class BatchFailedError extends Error {
  override readonly name = "BatchFailedError";
}

export interface SessionThreadOptions {
  settings: SessionSettings;
  log: Logger;
  /** The session is gone (false), or back (true). */
  onAvailable: (available: boolean) => void;
  /** The thread's program. */
  entry?: URL;
  /** First wait before a crashed thread is started again, in milliseconds; doubles with each crash in a row. */
  backoffMs?: number;
}

const backoffLimitMs = 30_000;
/** Time for a run, or for a model to be loaded; a service has 5 s to stop. */
const stopLimitMs = 4_000;
/** What a thread found out about this processor, for those that follow. */
let saturates: boolean | undefined;

/** Owns the thread that owns the session; starts it again when it crashes. */
export class SessionThread implements BatchRunner {
  readonly #options: SessionThreadOptions;
  readonly #pending = new Map<number, { resolve: (run: BatchRun) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #available = false;
  #nextId = 1;
  #crashes = 0;
  #restarts = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SessionThreadOptions) {
    this.#options = options;
  }

  /** Whether the session takes batches now. */
  get available(): boolean {
    return this.#available;
  }

  /** How often the thread was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Opens the session and warms it up.
   * @throws EngineChoiceError when no execution provider works as asked
   */
  async start(): Promise<SessionInfo> {
    return this.#open(this.#options.settings);
  }

  run(slot: number, frames: number): Promise<BatchRun> {
    if (!this.#available || !this.#worker)
      return Promise.reject(new BatchFailedError("the session is not running"));
    const request: RunRequest = { id: this.#nextId++, slot, frames };
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      this.#worker!.postMessage(request);
    });
  }

  /** Ends the thread; batches under way are rejected. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker && worker.threadId !== -1) {
      worker.postMessage(stopRequest);
      await Promise.race([once(worker, "exit"), delay(stopLimitMs, undefined, { ref: false })]);
      await worker.terminate();
    }
    this.#failPending("the session was stopped");
  }

  #open(settings: SessionSettings): Promise<SessionInfo> {
    const worker = new Worker(this.#options.entry ?? new URL("./session-worker.ts", import.meta.url), {
      workerData: { ...settings, saturates },
      name: "session",
    });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on("message", (message: SessionMessage) => {
        if (message.kind === "ready") {
          saturates ??= message.saturates;
          this.#setAvailable(true);
          resolve(message);
        } else if (message.kind === "cannot-open") {
          reject(new EngineChoiceError(message.message));
        } else this.#settle(message);
      });
      worker.on("error", (error) => {
        this.#options.log.error({ error: error.message, stack: error.stack }, "the session's thread failed");
      });
      worker.on("exit", (code) => {
        if (worker !== this.#worker) return;
        const running = this.#available;
        this.#setAvailable(false);
        this.#failPending(`the session's thread ended with code ${code}`);
        reject(new BatchFailedError(`the session's thread ended with code ${code} before it was ready`));
        if (running) this.#startAgain();
      });
    });
  }

  #settle(message: Extract<SessionMessage, { id: number }>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "done") {
      this.#crashes = 0;
      pending?.resolve(message);
    } else pending?.reject(new BatchFailedError(message.message));
  }

  #startAgain(): void {
    if (this.#stopped) return;
    const wait = Math.min((this.#options.backoffMs ?? 500) * 2 ** this.#crashes++, backoffLimitMs);
    this.#options.log.warn({ waitMs: wait }, "starting the session's thread again");
    this.#restart = setTimeout(() => {
      this.#restarts++;
      this.#open({ ...this.#options.settings, warmUpSizes: [1] }).catch((error: Error) => {
        this.#options.log.error({ error: error.message }, "the session cannot be opened again");
        this.#startAgain();
      });
    }, wait);
  }

  #setAvailable(available: boolean): void {
    if (this.#available === available) return;
    this.#available = available;
    if (!this.#stopped) this.#options.onAvailable(available);
  }

  #failPending(why: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new BatchFailedError(why));
  }
}
