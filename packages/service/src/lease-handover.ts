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
import { abortable, pause } from "./tasks.ts";

/** Why a lease is released: the thing is not registered any more, the process stops, another process has less to do, or another has the lease. */
export type LeaseEnd = "removed" | "released" | "handed over" | "lost";

/** Work that runs while its lease is held. */
export interface LeasedWork {
  /** The work will be released in a moment. Returns whether something is missed while nobody does it. */
  leave?(): boolean;
  /**
   * Ends everything that only one process may do at a time; after it, another may have the lease. Slow work is left to `stop`. `isPassed`:
   * another process has prepared to take over.
   */
  seal?(why: LeaseEnd, isPassed: boolean): Promise<void>;
  /** Ends the work; without `seal`, the work holds its lease until this is done. */
  stop(why: LeaseEnd): Promise<void>;
}

/** The asking process waits this much longer for the answer than the other may take. */
const answerMs = 300;
/** How long prepared work waits for its lease, which may have to expire first because its holder died. */
const keptMs = leaseTtlMs + 2_000;

/** Work that does not have its lease yet: others see nothing of it. */
export interface PreparedWork<W> {
  /** Whether it can continue as soon as it has the lease; false when it cannot get ready while another process holds the lease. */
  readonly ready: Promise<boolean>;
  /** Whether it will soon be ready, if it is not yet. */
  readonly isNear: boolean;
  /** The lease has been taken: turns it into the running work, even if it is not ready yet. */
  begin(): W;
  /** Ends it without others having seen it. */
  stop(): Promise<void>;
}

export interface HandoverOptions<T, W> {
  nats: Nats;
  /** Prepares the work on a record. */
  prepare(key: string, record: T): Promise<PreparedWork<W>>;
}

/** What a handover knows about the assignment. */
export interface HandoverView<T> {
  records: KvMirror<T>;
  identify?(record: T): string;
  kind: string;
  /** Whether this process may take the thing. */
  isFree(key: string): boolean;
}

/**
 * Answer of another process that was asked to prepare: it is ready, or will be soon after; it is not; or no answer, because it has an
 * earlier version, is stopping, or has gone.
 */
export type HandOverAnswer = "ready" | "not ready" | "none";

interface Prepared<W> {
  revision: number | undefined;
  /** Undefined while it is being created. */
  work: PreparedWork<W> | undefined;
  timer?: NodeJS.Timeout;
}

/**
 * How two processes pass a thing from one to the other, so that nothing is missed meanwhile: the one that has it asks the other to prepare,
 * and passes the lease once the other is ready. This is optional: a process that does not know it does not answer, and then the thing is
 * first released and then taken.
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

  /** Answers requests to this process's present session. */
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

  /** Asks the process of a session to prepare for a thing. Waits at most about `waitMs`, and no longer than until `signal` aborts. */
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

  /** Whether this process is preparing, or prepared, for a thing. */
  has(key: string): boolean {
    return this.#prepared.has(key);
  }

  /** The prepared work for a thing whose lease was just taken; undefined when there is none, or when it is for another record. */
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

  /** A third process has the thing now: the prepared work is useless. */
  takenByOther(key: string): void {
    const prepared = this.#prepared.get(key);
    if (prepared) this.#discard(key, prepared);
  }

  /** Stops answering and ends all prepared work. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // A process that has just asked still gets its answer.
    const drained = this.#subscription?.drain().catch(() => undefined);
    // Without NATS, draining would never end.
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
    const late = pause(waitMs, signal).then(() => undefined);
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
      // Prepared work that has been taken meanwhile is not ended here.
      if (ready === false && this.#prepared.get(key) === prepared) this.#discard(key, prepared);
    }
    // If it is late, it continues to prepare: the thing is released now, and the work would otherwise have to start again.
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

  /** Work in progress must have ended when this process has stopped. */
  #track(work: Promise<void>): void {
    const ending = work
      .catch((error: Error) => this.#log.warn({ err: error }, "a handover did not end cleanly"))
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
