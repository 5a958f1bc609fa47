import type { KV } from "@nats-io/kv";
import { encodeJson, leaseTtlMs } from "@sightline/contracts";
import { untilBeat } from "./clock.ts";
import type { Logger } from "./log.ts";

/** Keeps a value in a bucket whose entries expire, while this process lives. */
export class Announcement {
  readonly #kv: KV;
  readonly #key: string;
  readonly #value: () => unknown;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(kv: KV, key: string, value: () => unknown, log: Logger) {
    this.#kv = kv;
    this.#key = key;
    this.#value = value;
    this.#log = log;
  }

  /** Writes the value once, then again each time before it expires. */
  async start(): Promise<void> {
    await this.#put();
    this.#schedule();
  }

  /** Writes the value now if it has changed. */
  async refresh(): Promise<void> {
    await this.#put();
  }

  /** Stops renewing; `remove` deletes the entry now instead of letting it expire. */
  async stop(remove: boolean): Promise<void> {
    clearTimeout(this.#timer);
    if (remove) await this.#kv.delete(this.#key).catch(() => undefined);
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.#schedule();
        void this.#put();
      },
      untilBeat(leaseTtlMs / 4),
    );
  }

  async #put(): Promise<void> {
    try {
      await this.#kv.put(this.#key, encodeJson(this.#value()));
    } catch (error) {
      this.#log.debug(
        { key: this.#key, err: error },
        "the announcement could not be written; trying again soon",
      );
    }
  }
}
