import type { KV } from "@nats-io/kv";
import { leaseTtlMs } from "@sightline/contracts";
import { untilBeat } from "./clock.ts";
import { ServiceError } from "./errors.ts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";
import { untilAborted } from "./tasks.ts";

const renewMs = leaseTtlMs / 4;
/** A request without an answer for this long may have been lost, and is repeated. */
const patienceMs = leaseTtlMs / 4;
const retryMs = 100;
/** While NATS does not answer, a process that has not looked for this long may have been frozen. */
const frozenMs = leaseTtlMs * 0.6;
/** A lease that survives an interruption of NATS is given up when NATS has not answered for this long. */
const outlastMs = 60_000;
/** For this long after NATS answers again, holders may create their leases again that expired meanwhile. */
const returnMs = 2_000;

/** A thing that one process holds at a time. */
export interface HeldLease {
  /** Aborts when it is not held any more: the owner must stop what the lease guards. */
  readonly lost: AbortSignal;
  /** Whether it is certainly held now; correct even after this process was frozen. */
  readonly held: boolean;
  /** Releases it at once. Does nothing when it is lost or already released. */
  release(): Promise<void>;
}

/**
 * Holds one key of a bucket whose entries expire, so that one process at a time owns a thing. `lost` aborts when the lease could not be
 * renewed before it expired: the owner must stop what the lease guards.
 *
 * With `returned`, for a key that no other process ever takes, the lease survives an interruption of NATS: while nothing can be written,
 * nobody can take what it guards either. If the entry has expired by then, it is created again, and `returned` finds out what was taken
 * anyway. Until that is done, the lease is not certainly held.
 */
export class Lease implements HeldLease {
  readonly key: string;
  readonly lost: AbortSignal;
  readonly #kv: KV;
  /** The entry's present and earlier contents, because an answer may be lost. */
  readonly #holders: Uint8Array[];
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #revision: number;
  #renewedAt: number;
  /** When the first renewal was sent that has no answer yet. */
  #unansweredSince: number | undefined;
  readonly #returned: (() => Promise<void>) | undefined;
  /** Whether the entry cannot have expired, or the consequences of its expiry are known. */
  #certain = true;
  /** When the lease's renewal was last checked. */
  #lookedAt = performance.now();
  /** When NATS began to answer again. */
  #answersAgainSince = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout;
  #renewing = false;
  /** Ends the waiting for the last NATS request. */
  #waitNoMore: (() => void) | undefined;
  /** Resolves when the entry has its present content. */
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

  /** Whether the lease is certainly held now. With this, a process that was frozen knows that it is too late even before its timers fire. */
  get held(): boolean {
    if (this.#abort.signal.aborted || !this.#certain) return false;
    const now = performance.now();
    if (now - this.#renewedAt < leaseTtlMs) return true;
    // Only an interruption of NATS is survived. If NATS answered until now, this process was frozen, and others have taken what it held.
    const isAway = this.#unansweredSince !== undefined;
    return this.#returned !== undefined && isAway && now - this.#lookedAt < frozenMs;
  }

  /** Whether other holders have had time to create their leases again after an interruption: what is free then is really free. */
  get settled(): boolean {
    const answers = this.#unansweredSince === undefined;
    return this.held && answers && performance.now() - this.#answersAgainSince > returnMs;
  }

  /** Sets the entry's content from now on. Resolves when the entry has it, or when the lease is lost. */
  async say(holder: string): Promise<void> {
    this.#holders.push(new TextEncoder().encode(holder));
    this.#said.resolve();
    this.#said = Promise.withResolvers();
    if (!this.#renewing) {
      clearTimeout(this.#timer);
      this.#timer = this.#schedule(0);
    }
    await Promise.race([this.#said.promise, untilAborted(this.lost)]);
  }

  /** NATS is back after an interruption: earlier requests are not awaited any more, and the lease is renewed at once, before it expires. */
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
    let retry = false;
    const holder = this.#holder;
    this.#renewing = true;
    try {
      // A late answer is still valid.
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
      retry = true;
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
    // Counted from the request, so that slow answers do not shorten the time that is left for the next.
    const next = Math.max(retryMs, Math.min(askedAt + renewMs - performance.now(), untilBeat(renewMs)));
    this.#timer = this.#schedule(holder !== this.#holder ? 0 : retry ? retryMs : next);
  }

  /** After this process was frozen, only an answer from NATS shows what was taken meanwhile. */
  #look(): void {
    if (!this.held) this.#certain = false;
    this.#lookedAt = performance.now();
  }

  /** NATS has answered: the entry exists. */
  async #becomeCertain(): Promise<void> {
    if (!this.#certain) await this.#returned?.();
    this.#certain = true;
    if (this.#unansweredSince !== undefined) this.#answersAgainSince = performance.now();
    this.#unansweredSince = undefined;
  }

  /** Creates an entry again that expired while NATS did not answer. Returns whether the entry exists and all losses are known. */
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
   * A renewal whose answer was lost has still changed the revision: the entry is ours if it names us. Returns whose it is; undefined when
   * NATS does not answer.
   */
  async #lookForOwn(): Promise<"own" | "other" | "none" | undefined> {
    // The time of the write is not known, but it was not before this.
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
   * The result of a request, if it arrives before the request counts as lost. A process that was delayed first reads what arrived
   * meanwhile: only then is NATS really silent.
   */
  async #answered<T>(request: Promise<T>): Promise<T> {
    const silence = Promise.withResolvers<never>();
    const late = () =>
      silence.reject(new ServiceError("no_answer", `NATS has not answered for ${patienceMs} ms`));
    const timer = setTimeout(() => setImmediate(late), patienceMs);
    this.#waitNoMore = () => silence.reject(new ServiceError("no_answer", "NATS was away"));
    request.catch(() => undefined);
    silence.promise.catch(() => undefined);
    try {
      return await Promise.race([request, silence.promise]);
    } finally {
      clearTimeout(timer);
      this.#waitNoMore = undefined;
    }
  }

  /** Releases the lease at once. Does nothing when it is lost or already released. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.#kv.delete(this.key, { previousSeq: this.#revision }).catch((error: Error) => {
      this.#log.debug({ lease: this.key, err: error }, "a lease could not be released; it will expire");
    });
  }
}
