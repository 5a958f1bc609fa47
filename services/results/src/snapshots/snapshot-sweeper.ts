import type { Logger, SnapshotStore } from "@sightline/service";

const pauseMs = 10_000;

/** Keeps the snapshots within their bytes, the oldest going first. */
export class SnapshotSweeper {
  readonly #store: SnapshotStore;
  readonly #observe: (bytes: number) => void;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #sweep: Promise<void> | undefined;
  #stopped = false;

  /** `observe` is told of the bytes that are there after each sweep. */
  constructor(store: SnapshotStore, observe: (bytes: number) => void, log: Logger) {
    this.#store = store;
    this.#observe = observe;
    this.#log = log;
  }

  start(): void {
    this.#sweep = this.#once();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sweep;
  }

  async #once(): Promise<void> {
    try {
      this.#observe(await this.#store.sweep());
    } catch (error) {
      this.#log.debug({ err: error }, "old snapshots could not be deleted yet; trying again");
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.start(), pauseMs);
  }
}
