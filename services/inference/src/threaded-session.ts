import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Backoff, type WaitRange } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { WorkerError } from "./errors.ts";
import { type Settled, stopRequest, type ThreadMessage } from "./serve-session.ts";

export interface ThreadedSessionOptions<Settings> {
  settings: Settings;
  log: Logger;
  /** The session became unavailable (false) or available again (true). */
  onAvailable: (available: boolean) => void;
  /** The thread's program. */
  entry: URL;
  /** How long to wait before a crashed thread is restarted; default: 0.5 to 30 s. */
  restartRange?: WaitRange | undefined;
}

const restartRange: WaitRange = { firstMs: 500, mostMs: 30_000 };
/** Time for a run to end, or for a model to finish loading; a service has 15 s to stop. */
const stopLimitMs = 4_000;

/** Owns a thread that owns a session; restarts it when it crashes. */
export class ThreadedSession<Settings, Info, Request extends object, Answer> {
  readonly #options: ThreadedSessionOptions<Settings>;
  readonly #pending = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  #worker: Worker | undefined;
  #available = false;
  #nextId = 1;
  readonly #backoff: Backoff;
  #restarts = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ThreadedSessionOptions<Settings>) {
    this.#options = options;
    this.#backoff = new Backoff(options.restartRange ?? restartRange);
  }

  /** Whether the session takes requests now. */
  get available(): boolean {
    return this.#available;
  }

  /** How often the thread was restarted. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Opens the session.
   * @throws WorkerError no_engine when it cannot be opened as configured
   */
  start(): Promise<Info> {
    return this.#open(this.#options.settings);
  }

  /** Requests the session's answer. Rejects with WorkerError batch_failed when there is none; other requests are not affected. */
  ask(request: Request): Promise<Answer> {
    if (!this.#available || !this.#worker)
      return Promise.reject(new WorkerError("batch_failed", "the session is not running"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker!.postMessage({ ...request, id });
    });
  }

  /** Ends the thread; open requests are rejected. Safe to call twice. */
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

  /** The start settings of a thread. */
  protected begin(settings: Settings): Settings {
    return settings;
  }

  /** A thread is ready. */
  protected opened(_info: Info): void {}

  /** The settings with which a crashed thread is restarted. */
  protected again(settings: Settings): Settings {
    return settings;
  }

  #open(settings: Settings): Promise<Info> {
    const worker = new Worker(this.#options.entry, { workerData: this.begin(settings), name: "session" });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on("message", (message: ThreadMessage<Info, Answer>) => {
        if (message.kind === "ready") {
          this.opened(message as unknown as Info);
          this.#setAvailable(true);
          resolve(message as unknown as Info);
        } else if (message.kind === "cannot-open") {
          reject(new WorkerError("no_engine", message.message));
        } else this.#settle(message as Settled<Answer>);
      });
      worker.on("error", (error) => {
        this.#options.log.error({ err: error }, "the session's thread failed");
      });
      worker.on("exit", (code) => {
        if (worker !== this.#worker) return;
        const running = this.#available;
        this.#setAvailable(false);
        this.#failPending(`the session's thread ended with code ${code}`);
        reject(
          new WorkerError("batch_failed", `the session's thread ended with code ${code} before it was ready`),
        );
        if (running) this.#startAgain();
      });
    });
  }

  #settle(message: Settled<Answer>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "done") {
      this.#backoff.reset();
      pending?.resolve(message as unknown as Answer);
    } else pending?.reject(new WorkerError("batch_failed", (message as { message: string }).message));
  }

  #startAgain(): void {
    if (this.#stopped) return;
    const waitMs = Math.round(this.#backoff.fail());
    this.#options.log.warn({ waitMs }, "starting the session's thread again");
    this.#restart = setTimeout(() => {
      this.#restarts++;
      this.#open(this.again(this.#options.settings)).catch((error: Error) => {
        this.#options.log.error({ err: error }, "the session cannot be opened again");
        this.#startAgain();
      });
    }, waitMs);
  }

  #setAvailable(available: boolean): void {
    if (this.#available === available) return;
    this.#available = available;
    if (!this.#stopped) this.#options.onAvailable(available);
  }

  #failPending(why: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new WorkerError("batch_failed", why));
  }
}
