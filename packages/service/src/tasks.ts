import { setTimeout as delay } from "node:timers/promises";
import { TaskLimitError } from "./errors.ts";

/** Runs a few tasks at a time; a limited number, or all, wait for their turn, and others are refused. */
export class TaskLimit {
  readonly #mostRunning: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(mostRunning: number, mostWaiting = Number.POSITIVE_INFINITY) {
    this.#mostRunning = mostRunning;
    this.#mostWaiting = mostWaiting;
  }

  /** Number of tasks that run or wait. */
  get size(): number {
    return this.#running + this.#waiting.length;
  }

  /** @throws TaskLimitError at once when too many wait; otherwise what the task throws */
  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#running >= this.#mostRunning) {
      if (this.#waiting.length >= this.#mostWaiting) throw new TaskLimitError();
      // An ending task passes on its place, so no other task can take it in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** Runs one step at a time for each key. A key requested while its step runs gets one more run afterwards, however often it was requested. */
export class KeyedSteps {
  readonly #step: (key: string) => Promise<void>;
  /** For each key: the running step, and whether another must follow. */
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>();

  /** `step` must not reject. */
  constructor(step: (key: string) => Promise<void>) {
    this.#step = step;
  }

  /** Requests the key's step: it runs now, or again after the running one. */
  ask(key: string): void {
    const running = this.#running.get(key);
    if (running) {
      running.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    this.#running.set(key, entry);
    entry.done = (async () => {
      do {
        entry.again = false;
        await this.#step(key);
      } while (entry.again);
      this.#running.delete(key);
    })();
  }

  /** Whether a step of the key runs. */
  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Resolves when the running steps, and those requested meanwhile, are done. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }
}

/** Resolves when the signal aborts, at once if it has. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

/** Resolves after this time, or when the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

/**
 * The result of a promise that itself knows nothing of the signal; what it gives after the signal has aborted is ignored.
 * @throws what the promise throws; the signal's reason when that aborts first
 */
export async function abortable<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  promise.catch(() => undefined);
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return await Promise.race([promise, aborted.promise]).finally(() =>
    signal.removeEventListener("abort", abort),
  );
}
