import type { KV } from "@nats-io/kv";
import { leaseTtlMs } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";

/**
 * Holds one key of a bucket whose entries expire, so that one process at a time owns a thing. `lost` fires when the
 * lease could not be renewed before it expired: the owner must stop what the lease guards.
 */
export class Lease {
  readonly key: string;
  readonly lost: AbortSignal;
  readonly #kv: KV;
  readonly #holder: Uint8Array;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #revision: number;
  #renewedAt: number;
  #timer: NodeJS.Timeout;

  private constructor(
    kv: KV,
    key: string,
    holder: Uint8Array,
    revision: number,
    askedAt: number,
    log: Logger,
  ) {
    this.#kv = kv;
    this.key = key;
    this.#holder = holder;
    this.#revision = revision;
    this.#renewedAt = askedAt;
    this.#log = log;
    this.lost = this.#abort.signal;
    this.#timer = this.#schedule();
  }

  /** Takes the lease, or returns undefined when another holds it. */
  static async acquire(kv: KV, key: string, holder: string, log: Logger): Promise<Lease | undefined> {
    const value = new TextEncoder().encode(holder);
    const askedAt = performance.now();
    try {
      const revision = await kv.create(key, value);
      return new Lease(kv, key, value, revision, askedAt, log);
    } catch (error) {
      if (isJetStreamFailure(error, "wrongLastSequence")) return undefined;
      throw error;
    }
  }

  /**
   * Whether the lease is held for certain now. A process that was frozen knows by this that it is too late before its
   * timers have told it.
   */
  get held(): boolean {
    return !this.#abort.signal.aborted && performance.now() - this.#renewedAt < leaseTtlMs;
  }

  #schedule(): NodeJS.Timeout {
    return setTimeout(() => void this.#renew(), leaseTtlMs / 4);
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    try {
      this.#revision = await this.#kv.update(this.key, this.#holder, this.#revision);
      this.#renewedAt = askedAt;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const foreign = isJetStreamFailure(error, "wrongLastSequence") && !(await this.#adoptOwnWrite());
      if (foreign || performance.now() - this.#renewedAt > leaseTtlMs) {
        this.#log.warn({ lease: this.key, error: (error as Error).message }, "lease lost");
        this.#abort.abort(error);
        return;
      }
    }
    if (!this.#abort.signal.aborted) this.#timer = this.#schedule();
  }

  /** A renewal whose answer was lost has still moved the revision: the entry is ours if it names us. */
  async #adoptOwnWrite(): Promise<boolean> {
    const askedAt = performance.now();
    const entry = await this.#kv.get(this.key).catch(() => null);
    if (!entry || Buffer.compare(entry.value, this.#holder) !== 0) return false;
    this.#revision = entry.revision;
    this.#renewedAt = askedAt;
    return true;
  }

  /** Gives the lease back at once. Does nothing when it is lost or already given back. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.#kv.delete(this.key, { previousSeq: this.#revision }).catch((error: Error) => {
      this.#log.debug(
        { lease: this.key, error: error.message },
        "lease not given back; it expires by itself",
      );
    });
  }
}
