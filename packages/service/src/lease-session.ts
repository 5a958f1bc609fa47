import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { buckets as names } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import { type HeldLease, Lease } from "./lease.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";
import { hasEnded, ownMark } from "./process-mark.ts";

const retryMs = 250;
/** So long a process that stops waits until the others can know it. */
const tellMs = 500;

/** Key, in the bucket of leases, of a session. */
export function sessionKey(kind: string, session: string): string {
  return `session.${kind}.${session}`;
}

/** What a session's entry says: its id, which process has it, where that can be told, and whether that one stops. */
function sessionValue(id: string, isLeaving = false): string {
  return [id, ownMark() ?? "-", ...(isLeaving ? [leaving] : [])].join(" ");
}

const leaving = "leaving";

/** Whether the process of a session stops, by what the session's entry says: it is to be given nothing. */
export function isLeaving(value: string): boolean {
  return value.split(" ")[2] === leaving;
}

/** That a session holds a thing. */
export interface SessionLease extends HeldLease {
  /** Gives it to another session, which has it from then on. Does nothing when it is lost or already given back. */
  pass(session: string): Promise<void>;
}

interface Session {
  id: string;
  lease: Lease;
}

/**
 * Holds any number of things of one kind by one lease, that of the session: what a thing's entry names is the session that has
 * it, and the entry is good for as long as that session lives. So five hundred things cost one renewal, not five hundred. A
 * session outlasts an interruption of NATS with what nobody has taken from it. One that is lost all the same takes all that it
 * held with it, and another begins.
 */
export class LeaseSession {
  readonly #nats: Pick<Nats, "manager" | "changes">;
  readonly #buckets: { leases: KV; holders: KV };
  readonly #kind: string;
  readonly #log: Logger;
  readonly #held = new Map<string, HeldThing>();
  readonly #asked = new Set<string>();
  /** Sessions of others that are being ended. */
  readonly #ending = new Set<string>();
  #current: Session | undefined;
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(
    nats: Pick<Nats, "manager" | "changes">,
    buckets: { leases: KV; holders: KV },
    kind: string,
    log: Logger,
  ) {
    this.#nats = nats;
    this.#buckets = buckets;
    this.#kind = kind;
    this.#log = log;
  }

  /** Has a session from now on; `began` is called at the beginning of each. */
  start(began: () => void): void {
    this.#running ??= this.#run(began);
  }

  /** What names the session in the bucket of holders; undefined while there is none. */
  get id(): string | undefined {
    return this.#current?.lease.held ? this.#current.id : undefined;
  }

  /**
   * Whether a thing may be taken from a session that is not there: after an interruption of NATS those of living processes are made
   * again first.
   */
  get settled(): boolean {
    return this.#current?.lease.settled ?? false;
  }

  /**
   * Takes a thing; undefined when a living session has it or may have it, or there is no session now.
   * @throws when NATS does not answer
   */
  async take(thing: string): Promise<SessionLease | undefined> {
    const session = this.#current;
    if (!session?.lease.held || this.#held.has(thing) || this.#asked.has(thing)) return undefined;
    const key = `${this.#kind}.${thing}`;
    this.#asked.add(thing);
    const revision = await this.#enter(key, session).finally(() => this.#asked.delete(thing));
    // A session that was lost meanwhile leaves an entry that is good for nothing.
    if (revision === undefined || this.#current !== session) return undefined;
    const held = new HeldThing(this.#buckets.holders, key, session, revision, this.#log, () =>
      this.#held.delete(thing),
    );
    this.#held.set(thing, held);
    return held;
  }

  /** Looks whether the entry of a thing that is held still says so; if not, it is lost. Does nothing when NATS does not answer. */
  async confirm(thing: string): Promise<void> {
    await this.#held
      .get(thing)
      ?.confirm()
      .catch(() => undefined);
  }

  /**
   * Ends the session that an entry of the bucket of leases, at this revision, is of, if its process was of this machine and has ended: what it
   * held is free at once, and not only when the entry expires.
   */
  async endDead(key: string, value: string, revision: number): Promise<void> {
    const [, mark] = value.split(" ");
    if (mark === undefined || this.#ending.has(key) || !hasEnded(mark)) return;
    this.#ending.add(key);
    try {
      await this.#buckets.leases.delete(key, { previousSeq: revision });
      this.#log.info({ lease: key }, "a process of this machine has ended; others can take what it held");
    } catch (error) {
      // Another was quicker, or NATS does not answer.
      this.#log.debug(
        { lease: key, err: error },
        "the lease of a process that has ended could not be deleted",
      );
    } finally {
      this.#ending.delete(key);
    }
  }

  /** As `confirm`, of all. @throws when NATS does not answer */
  async #confirmAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.confirm()));
  }

  /** Tells the others that this process stops, though it holds what it has until that is given back. Resolves when they can know it, or after a while. */
  async leave(): Promise<void> {
    const session = this.#current;
    const told = session?.lease.say(sessionValue(session.id, true));
    await Promise.race([told, delay(tellMs, undefined, { ref: false })]);
  }

  /** Gives the session back. What it still holds is free then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(began: () => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const id = randomUUID();
      const key = sessionKey(this.#kind, id);
      const returned = () => this.#confirmAll();
      const lease = await Lease.acquire(
        this.#buckets.leases,
        key,
        sessionValue(id),
        this.#log,
        returned,
      ).catch((error: Error) => {
        this.#log.debug({ err: error }, "the session for leases could not be created yet; trying again");
        return undefined;
      });
      if (!lease) {
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      this.#current = { id, lease };
      const unfollow = this.#nats.changes.listen({ back: () => lease.natsReturned() });
      if (!signal.aborted) began();
      await untilAborted(AbortSignal.any([lease.lost, signal]));
      unfollow();
      // What it held is told first, so that nothing of it is taken by the next session for its own.
      for (const held of this.#held.values()) held.end();
      this.#held.clear();
      this.#current = undefined;
      await lease.release();
    }
  }

  /** Enters the session as the holder; the revision, or undefined when a living one is. */
  async #enter(key: string, { id, lease }: Session): Promise<number | undefined> {
    const { holders } = this.#buckets;
    const value = new TextEncoder().encode(id);
    try {
      return await holders.create(key, value);
    } catch (error) {
      if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
    }
    const entry = await holders.get(key);
    if (entry?.operation !== "PUT") return undefined;
    const holder = entry.string();
    // Its own name: an answer that was lost, or an entry that could not be taken back.
    if (holder !== id && (!lease.settled || (await this.#lives(holder)))) return undefined;
    try {
      return await holders.update(key, value, entry.revision);
    } catch (error) {
      if (isJetStreamFailure(error, "wrongLastSequence")) return undefined;
      throw error;
    }
  }

  /** Asks the server that leads the bucket: a copy may not know a session that has just begun. */
  async #lives(session: string): Promise<boolean> {
    const subject = `$KV.${names.leases}.${sessionKey(this.#kind, session)}`;
    const message = await this.#nats.manager.streams.getMessage(`KV_${names.leases}`, {
      last_by_subj: subject,
    });
    return message !== null && message.data.length > 0;
  }
}

/** A thing that a session holds. */
class HeldThing implements SessionLease {
  readonly #holders: KV;
  readonly #key: string;
  readonly #session: Session;
  readonly #log: Logger;
  readonly #forget: () => void;
  readonly #abort = new AbortController();
  #revision: number;

  constructor(holders: KV, key: string, session: Session, revision: number, log: Logger, forget: () => void) {
    this.#holders = holders;
    this.#key = key;
    this.#session = session;
    this.#revision = revision;
    this.#log = log;
    this.#forget = forget;
  }

  get lost(): AbortSignal {
    return this.#abort.signal;
  }

  get held(): boolean {
    return !this.#abort.signal.aborted && this.#session.lease.held;
  }

  end(): void {
    this.#abort.abort();
  }

  /** @throws when NATS does not answer */
  async confirm(): Promise<void> {
    const entry = await this.#holders.get(this.#key);
    if (this.#abort.signal.aborted) return;
    if (entry?.operation === "PUT" && entry.string() === this.#session.id) {
      this.#revision = entry.revision;
      return;
    }
    this.#log.warn({ lease: this.#key }, "the lease is lost: NATS names another holder, or no holder");
    this.#forget();
    this.end();
  }

  async release(): Promise<void> {
    await this.#giveAway(() => this.#holders.delete(this.#key, { previousSeq: this.#revision }));
  }

  async pass(session: string): Promise<void> {
    const value = new TextEncoder().encode(session);
    await this.#giveAway(() => this.#holders.update(this.#key, value, this.#revision));
  }

  async #giveAway(write: () => Promise<unknown>): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#forget();
    this.end();
    await write().catch((error: Error) => {
      this.#log.debug({ lease: this.#key, err: error }, "a lease could not be released");
    });
  }
}

/** Resolves when the signal aborts, at once if it has. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
