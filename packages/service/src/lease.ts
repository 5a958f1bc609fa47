import type { KV } from "@nats-io/kv";
import { leaseTtlMs } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";

const renewMs = leaseTtlMs / 4;
/** A request without an answer for so long may have been lost, and is made up for. */
const patienceMs = leaseTtlMs / 4;
const retryMs = 100;
/** Timers that are so late were not this process's to see: it was frozen. */
const frozenMs = leaseTtlMs / 2;
/** A lease that outlasts an interruption of NATS is given up when NATS has not answered for so long. */
const outlastMs = 60_000;
/** So long after NATS answers again a lease that has expired meanwhile may be made again by its holder. */
const returnMs = 2_000;

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
 *
 * With `returned`, of a key that no other process ever takes, it outlasts an interruption of NATS: while nothing can be written,
 * nobody can take what it guards either. An entry that has expired by then is made again, and `returned` finds out what has
 * been taken all the same; until it has, the lease is not held for certain.
 */
export class Lease implements HeldLease {
  readonly key: string;
  readonly lost: AbortSignal;
  readonly #kv: KV;
  /** What the entry says, and what it has said before: an answer may be lost. */
  readonly #holders: Uint8Array[];
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #revision: number;
  #renewedAt: number;
  /** When the first renewal was asked for whose answer has not come. */
  #unansweredSince: number | undefined;
  readonly #returned: (() => Promise<void>) | undefined;
  /** Whether the entry cannot have expired, or it has been found out what that meant. */
  #certain = true;
  /** When it was last seen to that the lease is renewed. */
  #lookedAt = performance.now();
  /** When NATS answered again after it had not. */
  #answersAgainSince = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout;
  #renewing = false;
  /** Ends the waiting for what NATS was asked last. */
  #waitNoMore: (() => void) | undefined;
  /** Settled when the entry says what it is to say now. */
  #said = Promise.withResolvers<void>();

  private constructor(
    kv: KV,
    key: string,
    holder: Uint8Array,
    revision: number,
    askedAt: number,
    log: Logger,
    returned: (() => Promise<void>) | undefined,
  ) {
    this.#returned = returned;
    this.#kv = kv;
    this.key = key;
    this.#holders = [holder];
    this.#revision = revision;
    this.#renewedAt = askedAt;
    this.#log = log;
    this.lost = this.#abort.signal;
    this.#timer = this.#schedule(renewMs);
  }

  /** Takes the lease, or returns undefined when another holds it. */
  static async acquire(
    kv: KV,
    key: string,
    holder: string,
    log: Logger,
    returned?: () => Promise<void>,
  ): Promise<Lease | undefined> {
    const value = new TextEncoder().encode(holder);
    const askedAt = performance.now();
    try {
      const revision = await kv.create(key, value);
      return new Lease(kv, key, value, revision, askedAt, log, returned);
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
    if (this.#abort.signal.aborted || !this.#certain) return false;
    const now = performance.now();
    if (now - this.#renewedAt < leaseTtlMs) return true;
    return this.#returned !== undefined && now - this.#lookedAt < frozenMs;
  }

  /** Whether others that hold leases have had the time to make theirs again after an interruption: what is free then is free. */
  get settled(): boolean {
    const answers = this.#unansweredSince === undefined;
    return this.held && answers && performance.now() - this.#answersAgainSince > returnMs;
  }

  /** Lets the entry say this from now on. Resolves when it does, or when the lease is lost. */
  async say(holder: string): Promise<void> {
    this.#holders.push(new TextEncoder().encode(holder));
    this.#said.resolve();
    this.#said = Promise.withResolvers();
    if (!this.#renewing) {
      clearTimeout(this.#timer);
      this.#timer = this.#schedule(0);
    }
    const lost = new Promise((resolve) => this.lost.addEventListener("abort", resolve, { once: true }));
    if (!this.lost.aborted) await Promise.race([this.#said.promise, lost]);
  }

  /** NATS was away and is back: what it was asked before is waited for no more, and the lease is renewed at once, before it expires. */
  natsReturned(): void {
    if (this.#abort.signal.aborted) return;
    this.#waitNoMore?.();
    if (this.#renewing) return;
    clearTimeout(this.#timer);
    this.#timer = this.#schedule(0);
  }

  get #holder(): Uint8Array {
    return this.#holders.at(-1)!;
  }

  #schedule(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    this.#look();
    let next = renewMs;
    const holder = this.#holder;
    this.#renewing = true;
    try {
      // An answer that comes late is good all the same.
      const update = this.#kv.update(this.key, holder, this.#revision, leaseTtlMs);
      const renewed = async (revision: number) => {
        this.#renewed(revision, askedAt);
        if (holder === this.#holder) this.#said.resolve();
        await this.#becomeCertain();
      };
      await this.#answered(update.then(renewed));
    } catch (error) {
      this.#look();
      this.#unansweredSince ??= askedAt;
      next = retryMs;
      const found = await this.#lookForOwn();
      this.#look();
      const refused = isJetStreamFailure(error, "wrongLastSequence");
      if (this.#abort.signal.aborted) return;
      const returned = refused && found === "none" && (await this.#makeAgain(askedAt));
      if (this.#abort.signal.aborted) return;
      const since = performance.now() - this.#renewedAt;
      const foreign = refused && (found === "other" || (found === "none" && !this.#returned));
      if (foreign || (!returned && since > (this.#returned ? outlastMs : leaseTtlMs))) {
        this.#log.warn({ lease: this.key, err: error }, "lease lost");
        this.#abort.abort(error);
        return;
      }
    }
    this.#renewing = false;
    if (this.#abort.signal.aborted) return;
    this.#timer = this.#schedule(holder === this.#holder ? next : 0);
  }

  /** What was taken while this process was frozen is not known before NATS has answered. */
  #look(): void {
    if (!this.held) this.#certain = false;
    this.#lookedAt = performance.now();
  }

  /** NATS has answered: the entry is there. */
  async #becomeCertain(): Promise<void> {
    if (!this.#certain) await this.#returned?.();
    this.#certain = true;
    if (this.#unansweredSince !== undefined) this.#answersAgainSince = performance.now();
    this.#unansweredSince = undefined;
  }

  /** Makes an entry again that has expired while NATS did not answer. Returns whether it is there, and all is known that was lost by it. */
  async #makeAgain(askedAt: number): Promise<boolean> {
    if (!this.#returned) return false;
    this.#certain = false;
    try {
      this.#renewed(await this.#answered(this.#kv.create(this.key, this.#holder)), askedAt);
      await this.#becomeCertain();
      this.#log.info({ lease: this.key }, "the lease was created again after an interruption of NATS");
      return true;
    } catch (error) {
      this.#log.debug(
        { lease: this.key, err: error },
        "the lease could not be created again yet; trying again",
      );
      return false;
    }
  }

  #renewed(revision: number, askedAt: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#renewedAt = Math.max(this.#renewedAt, askedAt);
  }

  /**
   * A renewal whose answer was lost has still moved the revision: the entry is ours if it names us. Returns whose it is;
   * undefined when NATS does not say.
   */
  async #lookForOwn(): Promise<"own" | "other" | "none" | undefined> {
    // When the entry was written is not known, but it was no earlier than this.
    const writtenAt = this.#unansweredSince ?? this.#renewedAt;
    try {
      return await this.#answered(
        this.#kv.get(this.key).then((entry) => {
          if (entry?.operation !== "PUT") return "none";
          if (!this.#holders.some((holder) => Buffer.compare(entry.value, holder) === 0)) return "other";
          this.#renewed(entry.revision, writtenAt);
          return "own";
        }),
      );
    } catch {
      return undefined;
    }
  }

  /**
   * What a request gives, if it comes before it is taken for lost. A process that was held up first reads what came
   * meanwhile: only then is the silence NATS's.
   */
  async #answered<T>(request: Promise<T>): Promise<T> {
    const silence = Promise.withResolvers<never>();
    const late = () => silence.reject(new UnansweredError(`NATS has not answered for ${patienceMs} ms`));
    const timer = setTimeout(() => setImmediate(late), patienceMs);
    this.#waitNoMore = () => silence.reject(new UnansweredError("NATS was away"));
    request.catch(() => undefined);
    silence.promise.catch(() => undefined);
    try {
      return await Promise.race([request, silence.promise]);
    } finally {
      clearTimeout(timer);
      this.#waitNoMore = undefined;
    }
  }

  /** Gives the lease back at once. Does nothing when it is lost or already given back. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.#kv.delete(this.key, { previousSeq: this.#revision }).catch((error: Error) => {
      this.#log.debug({ lease: this.key, err: error }, "a lease could not be released; it will expire");
    });
  }
}

/** NATS has not answered in time. */
class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}
