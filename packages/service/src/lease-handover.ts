import { setTimeout as delay } from "node:timers/promises";
import type { Msg, Subscription } from "@nats-io/transport-node";
import {
  decodeJson,
  encodeJson,
  type HandOverRequest,
  handOverAnswerSchema,
  handOverRequestSchema,
  leaseTtlMs,
  subjects,
} from "@sightline/contracts";
import type { KvMirror } from "./kv-mirror.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";

/**
 * Why a lease is let go: what it guards is not registered any more, the process stops, another process has less to do, or another
 * has the lease.
 */
export type LeaseEnd = "removed" | "released" | "handed over" | "lost";

/** What runs for as long as its lease is held. */
export interface LeasedWork {
  /** It is going to be let go in a moment. Returns whether something is missed while nobody does it. */
  leave?(): boolean;
  /**
   * Ends all that only one may do at a time, after which the lease may be another's; what is slow is left to `stop`. `isPassed`:
   * another process has got ready for it meanwhile.
   */
  seal?(why: LeaseEnd, isPassed: boolean): Promise<void>;
  /** Ends the work; what has no `seal` holds its lease until then. */
  stop(why: LeaseEnd): Promise<void>;
}

/** Who asks waits for the answer so much longer than the other may take. */
const answerMs = 300;
/** What is ready is kept for so long for the lease to come, also when that must expire because who had it has died. */
const keptMs = leaseTtlMs + 2_000;

/** Work that has no lease yet: nothing of it is seen by others. */
export interface PreparedWork<W> {
  /** Whether it can go on as soon as it has the lease; false when it cannot get ready while another holds that. */
  readonly ready: Promise<boolean>;
  /** Whether it will be ready, though it is not yet. */
  readonly isNear: boolean;
  /** The lease is there: it becomes the work, though it may not be ready yet. */
  begin(): W;
  /** Ends it unseen. */
  stop(): Promise<void>;
}

export interface HandoverOptions<T, W> {
  nats: Nats;
  /** Gets ready for a record's work. */
  prepare(key: string, record: T): Promise<PreparedWork<W>>;
}

/** What a handover knows of what is dealt out. */
export interface HandoverView<T> {
  records: KvMirror<T>;
  identify?(record: T): string;
  kind: string;
  /** Whether this process may take the thing. */
  isFree(key: string): boolean;
}

/**
 * What another process says that is asked to get ready: that it is, or will be soon after; that it is not; or nothing, being one of an earlier
 * version, one that stops itself, or gone.
 */
export type HandOverAnswer = "ready" | "not ready" | "none";

interface Prepared<W> {
  revision: number | undefined;
  /** Undefined while it is being made. */
  work: PreparedWork<W> | undefined;
  timer?: NodeJS.Timeout;
}

/**
 * What two processes do before a thing goes from one to the other, so that nothing is missed meanwhile: the one that has it asks the
 * other to get ready, and gives it the lease when that is. Nobody depends on it: one that knows nothing of it does not answer, and the
 * thing is let go first and taken then.
 */
export class Handover<T, W> {
  readonly #options: HandoverOptions<T, W>;
  readonly #view: HandoverView<T>;
  readonly #log: Logger;
  readonly #prepared = new Map<string, Prepared<W>>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #subscription: Subscription | undefined;

  constructor(options: HandoverOptions<T, W>, view: HandoverView<T>, log: Logger) {
    this.#options = options;
    this.#view = view;
    this.#log = log;
  }

  /** Answers those who ask this process by the session that it has now. */
  listen(session: string): void {
    this.#subscription?.unsubscribe();
    if (this.#stopping.signal.aborted) return;
    const { nats } = this.#options;
    this.#subscription = nats.connection.subscribe(subjects.handOver(this.#view.kind, session), {
      callback: (error, message) => {
        if (error) this.#log.warn({ err: error }, "nothing can be handed over to this process yet");
        else this.#track(this.#answer(message));
      },
    });
  }

  /**
   * Asks the process that has a session to get ready for a thing, and waits for `waitMs` or so at the latest, and not longer than until
   * `signal` aborts.
   */
  async ask(
    session: string,
    { thing, identity }: { thing: string; identity: string | undefined },
    waitMs: number,
    signal: AbortSignal,
  ): Promise<HandOverAnswer> {
    const { connection } = this.#options.nats;
    const request = encodeJson({ thing, ...(identity !== undefined && { identity }), waitMs });
    try {
      const subject = subjects.handOver(this.#view.kind, session);
      const asked = connection.request(subject, request, { timeout: waitMs + answerMs });
      const answer = await abortable(asked, signal);
      return decodeJson(handOverAnswerSchema, answer.data).ready ? "ready" : "not ready";
    } catch (error) {
      this.#log.debug({ thing, session, err: error }, "this process did not prepare for a handover");
      return "none";
    }
  }

  /** Whether this process gets or is ready for a thing. */
  has(key: string): boolean {
    return this.#prepared.has(key);
  }

  /** What is ready for a thing whose lease has just been taken; undefined when nothing is, or it is for another record. */
  take(key: string, revision: number | undefined): PreparedWork<W> | undefined {
    const prepared = this.#prepared.get(key);
    if (!prepared) return undefined;
    if (prepared.work === undefined || prepared.revision !== revision) {
      this.#discard(key, prepared);
      return undefined;
    }
    clearTimeout(prepared.timer);
    this.#prepared.delete(key);
    return prepared.work;
  }

  /** A third process has a thing now: what is ready for it is of no use. */
  takenByOther(key: string): void {
    const prepared = this.#prepared.get(key);
    if (prepared) this.#discard(key, prepared);
  }

  /** Answers nobody any more and ends all that is ready. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // Who has just asked gets its answer, and does not wait in vain.
    const drained = this.#subscription?.drain().catch(() => undefined);
    // Without NATS it would never be done.
    await Promise.race([drained, delay(answerMs, undefined, { ref: false })]);
    for (const [key, prepared] of this.#prepared) this.#discard(key, prepared);
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  async #answer(message: Msg): Promise<void> {
    let ready = false;
    try {
      ready = await this.#prepare(decodeJson(handOverRequestSchema, message.data));
    } catch (error) {
      this.#log.warn({ err: error }, "this process could not prepare for a handover");
    }
    message.respond(encodeJson({ ready }));
  }

  async #prepare({ thing: key, identity, waitMs }: HandOverRequest): Promise<boolean> {
    const { records, identify, isFree } = this.#view;
    const { signal } = this.#stopping;
    const record = records.get(key);
    if (signal.aborted || !record || identify?.(record) !== identity) return false;
    if (this.#prepared.has(key) || !isFree(key)) return false;
    const prepared: Prepared<W> = { revision: records.revision(key), work: undefined };
    this.#prepared.set(key, prepared);
    const late = delay(waitMs, undefined, { signal }).catch(() => undefined);
    let ready: boolean | undefined = false;
    try {
      const work = await this.#options.prepare(key, record);
      if (this.#prepared.get(key) !== prepared) {
        this.#end(work);
        return false;
      }
      prepared.work = work;
      ready = signal.aborted ? false : await Promise.race([work.ready, late]);
    } finally {
      // One that has been taken meanwhile is not ended here.
      if (ready === false && this.#prepared.get(key) === prepared) this.#discard(key, prepared);
    }
    // What is late goes on getting ready: the thing is let go now, and it would only have to begin anew.
    if (ready !== false && this.#prepared.get(key) === prepared)
      prepared.timer = setTimeout(() => this.#discard(key, prepared), keptMs);
    return ready ?? (prepared.work?.isNear === true && !signal.aborted);
  }

  #discard(key: string, prepared: Prepared<W>): void {
    clearTimeout(prepared.timer);
    if (this.#prepared.get(key) === prepared) this.#prepared.delete(key);
    if (prepared.work) this.#end(prepared.work);
  }

  #end(work: PreparedWork<W>): void {
    this.#track(work.stop());
  }

  /** What is under way must have ended when this process has stopped. */
  #track(work: Promise<void>): void {
    const ending = work
      .catch((error: Error) => this.#log.warn({ err: error }, "a handover did not end cleanly"))
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

async function abortable<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
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
