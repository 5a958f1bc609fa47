import type { KV } from "@nats-io/kv";
import { leaseTtlMs } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";

const renewMs = leaseTtlMs / 4;
/** A request without an answer for so long may have been lost, and is made up for. */
const patienceMs = leaseTtlMs / 4;
const retryMs = 100;

/** That something is held by one process at a time. */
export interface HeldLease {
  /** Fires when it is not held any more: the owner must stop what the lease guards. */
  readonly lost: AbortSignal;
  /** Whether it is held for certain now, also for a process that was frozen meanwhile. */
  readonly held: boolean;
  /** Gives it back at once. Does nothing when it is lost or already given back. */
  release(): Promise<void>;
}

/**
 * Holds one key of a bucket whose entries expire, so that one process at a time owns a thing. `lost` fires when the
 * lease could not be renewed before it expired: the owner must stop what the lease guards.
 */
export class Lease implements HeldLease {
  readonly key: string;
  readonly lost: AbortSignal;
  readonly #kv: KV;
  readonly #holder: Uint8Array;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #revision: number;
  #renewedAt: number;
  /** When the first renewal was asked for whose answer has not come. */
  #unansweredSince: number | undefined;
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
    this.#timer = this.#schedule(renewMs);
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

  #schedule(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    let next = renewMs;
    try {
      // An answer that comes late is good all the same.
      const update = this.#kv.update(this.key, this.#holder, this.#revision, leaseTtlMs);
      await answered(update.then((revision) => this.#renewed(revision, askedAt)));
      this.#unansweredSince = undefined;
    } catch (error) {
      this.#unansweredSince ??= askedAt;
      next = retryMs;
      const foreign = (await this.#lookForOwn()) === false && isJetStreamFailure(error, "wrongLastSequence");
      if (this.#abort.signal.aborted) return;
      if (foreign || performance.now() - this.#renewedAt > leaseTtlMs) {
        this.#log.warn({ lease: this.key, error: (error as Error).message }, "lease lost");
        this.#abort.abort(error);
        return;
      }
    }
    if (!this.#abort.signal.aborted) this.#timer = this.#schedule(next);
  }

  #renewed(revision: number, askedAt: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#renewedAt = Math.max(this.#renewedAt, askedAt);
  }

  /**
   * A renewal whose answer was lost has still moved the revision: the entry is ours if it names us. Returns whether it is;
   * undefined when NATS does not say.
   */
  async #lookForOwn(): Promise<boolean | undefined> {
    // When the entry was written is not known, but it was no earlier than this.
    const writtenAt = this.#unansweredSince ?? this.#renewedAt;
    try {
      return await answered(
        this.#kv.get(this.key).then((entry) => {
          if (!entry || Buffer.compare(entry.value, this.#holder) !== 0) return false;
          this.#renewed(entry.revision, writtenAt);
          return true;
        }),
      );
    } catch {
      return undefined;
    }
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

/** NATS has not answered in time. */
class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

/**
 * What a request gives, if it comes before it is taken for lost. A process that was held up first reads what came
 * meanwhile: only then is the silence NATS's.
 */
async function answered<T>(request: Promise<T>): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const late = () => silence.reject(new UnansweredError(`NATS has not answered for ${patienceMs} ms`));
  const timer = setTimeout(() => setImmediate(late), patienceMs);
  request.catch(() => undefined);
  silence.promise.catch(() => undefined);
  try {
    return await Promise.race([request, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}
