import { cameraOf, type DeliveredMessage } from "./message.ts";

/**
 * Runs a handler for each message: so many at a time, those of one camera one after another, in the order in which they
 * were added.
 */
export class Handlers {
  readonly #concurrency: number;
  readonly #run: (message: DeliveredMessage) => Promise<void>;
  readonly #waiting: DeliveredMessage[] = [];
  readonly #busyCameras = new Set<string>();
  #stopped = false;
  /** Those who wait for a change. */
  #waiters: (() => void)[] = [];

  /** `run` must not reject. */
  constructor(concurrency: number, run: (message: DeliveredMessage) => Promise<void>) {
    this.#concurrency = concurrency;
    this.#run = run;
  }

  add(message: DeliveredMessage): void {
    this.#waiting.push(message);
    this.#begin();
  }

  /** Resolves when fewer than `most` messages are in hand, or none will be begun any more. */
  async fewerThan(most: number): Promise<void> {
    await this.#until(() => this.#stopped || this.#waiting.length + this.#busyCameras.size < most);
  }

  /** Begins no more; resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#changed();
    await this.#until(() => this.#busyCameras.size === 0);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #begin(): void {
    while (!this.#stopped && this.#busyCameras.size < this.#concurrency) {
      const next = this.#waiting.findIndex((message) => !this.#busyCameras.has(cameraOf(message)));
      if (next < 0) return;
      const [message] = this.#waiting.splice(next, 1);
      void this.#handle(message!);
    }
  }

  async #handle(message: DeliveredMessage): Promise<void> {
    const camera = cameraOf(message);
    this.#busyCameras.add(camera);
    await this.#run(message);
    this.#busyCameras.delete(camera);
    this.#begin();
    this.#changed();
  }
}
