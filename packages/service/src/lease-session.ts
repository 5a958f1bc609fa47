import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { buckets as names } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import { type HeldLease, Lease } from "./lease.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";
import { hasEnded, ownMark } from "./process-mark.ts";
import { pause, untilAborted } from "./tasks.ts";

const retryMs = 250;
/** How long a process that stops waits until the others can know it. */
const tellMs = 500;

/** A session's key in the bucket of leases. */
export function sessionKey(kind: string, session: string): string {
  return `session.${kind}.${session}`;
}

/** Content of a session's entry: its id, its process (where that can be identified), and whether that process is stopping. */
function sessionValue(id: string, isLeaving = false): string {
  return [id, ownMark() ?? "-", ...(isLeaving ? [leaving] : [])].join(" ");
}

const leaving = "leaving";

/** Whether a session's entry says that its process is stopping: then it must get nothing more. */
export function isLeaving(value: string): boolean {
  return value.split(" ")[2] === leaving;
}

/** A thing held by a session. */
export interface SessionLease extends HeldLease {
  /** Passes it to another session, which holds it from then on. Does nothing when it is lost or already released. */
  pass(session: string): Promise<void>;
}

interface Session {
  id: string;
  lease: Lease;
}

/**
 * Holds any number of things of one kind with one lease, the session's: a thing's entry names the session that holds it, and is valid while
 * that session lives. So five hundred things cost one renewal, not five hundred. A session survives an interruption of NATS, with the
 * things that nobody has taken from it. A session that is lost anyway loses everything that it held, and a new session begins.
 */
export class LeaseSession {
  readonly #nats: Pick<Nats, "manager" | "changes">;
  readonly #buckets: { leases: KV; holders: KV };
  readonly #kind: string;
  readonly #log: Logger;
  readonly #held = new Map<string, HeldThing>();
  readonly #asked = new Set<string>();
  /** Sessions of other processes that this process is ending. */
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

  /** Has a session from now on; `began` is called at the start of each session. */
  start(began: () => void): void {
    this.#running ??= this.#run(began);
  }

  /** The session's ID in the bucket of holders; undefined while there is no session. */
  get id(): string | undefined {
    return this.#current?.lease.held ? this.#current.id : undefined;
  }

  /**
   * Whether a thing may be taken from a session that does not exist: after an interruption of NATS, living processes first create their
   * sessions again.
   */
  get settled(): boolean {
    return this.#current?.lease.settled ?? false;
  }

  /**
   * Takes a thing; undefined when a living session holds it or may hold it, or when this process has no session now.
   * @throws when NATS does not answer
   */
  async take(thing: string): Promise<SessionLease | undefined> {
    const session = this.#current;
    if (!session?.lease.held || this.#held.has(thing) || this.#asked.has(thing)) return undefined;
    const key = `${this.#kind}.${thing}`;
    this.#asked.add(thing);
    const revision = await this.#enter(key, session).finally(() => this.#asked.delete(thing));
    // If the session was lost meanwhile, the entry it leaves is not valid.
    if (revision === undefined || this.#current !== session) return undefined;
    const held = new HeldThing(this.#buckets.holders, key, session, revision, this.#log, () =>
      this.#held.delete(thing),
    );
    this.#held.set(thing, held);
    return held;
  }

  /** Checks whether a held thing's entry still names this session; if not, the thing is lost. Does nothing when NATS does not answer. */
  async confirm(thing: string): Promise<void> {
    await this.#held
      .get(thing)
      ?.confirm()
      .catch(() => undefined);
  }

  /**
   * Ends the session of an entry at this revision in the bucket of leases, if its process was on this machine and has ended. What it held
   * is then free at once, not only when the entry expires.
   */
  async endDead(key: string, value: string, revision: number): Promise<void> {
    const [, mark] = value.split(" ");
    if (mark === undefined || this.#ending.has(key) || !hasEnded(mark)) return;
    this.#ending.add(key);
    try {
      await this.#buckets.leases.delete(key, { previousSeq: revision });
      this.#log.info({ lease: key }, "a process of this machine has ended; others can take what it held");
    } catch (error) {
      // Another process was faster, or NATS does not answer.
      this.#log.debug(
        { lease: key, err: error },
        "the lease of a process that has ended could not be deleted",
      );
    } finally {
      this.#ending.delete(key);
    }
  }

  /** `confirm` for all things. @throws when NATS does not answer */
  async #confirmAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.confirm()));
  }

  /**
   * Announces that this process stops; it still holds its things until they are released. Resolves when the others can know it, or after a
   * timeout.
   */
  async leave(): Promise<void> {
    const session = this.#current;
    const told = session?.lease.say(sessionValue(session.id, true));
    await Promise.race([told, delay(tellMs, undefined, { ref: false })]);
  }

  /** Releases the session. Whatever it still holds is free then. */
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
        await pause(retryMs, signal);
        continue;
      }
      this.#current = { id, lease };
      const unfollow = this.#nats.changes.listen({ back: () => lease.natsReturned() });
      if (!signal.aborted) began();
      await untilAborted(AbortSignal.any([lease.lost, signal]));
      unfollow();
      // End the held things first, so that the next session does not take any of them for its own.
      for (const held of this.#held.values()) held.end();
      this.#held.clear();
      this.#current = undefined;
      await lease.release();
    }
  }

  /** Writes the session as the holder; returns the revision, or undefined when a living session is the holder. */
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
    // The entry may have its own name: an answer was lost, or an entry could not be removed.
    if (holder !== id && (!lease.settled || (await this.#lives(holder)))) return undefined;
    try {
      return await holders.update(key, value, entry.revision);
    } catch (error) {
      if (isJetStreamFailure(error, "wrongLastSequence")) return undefined;
      throw error;
    }
  }

  /** Asks the bucket's leader: a copy may not know a session that has just begun. */
  async #lives(session: string): Promise<boolean> {
    const subject = `$KV.${names.leases}.${sessionKey(this.#kind, session)}`;
    const message = await this.#nats.manager.streams.getMessage(`KV_${names.leases}`, {
      last_by_subj: subject,
    });
    return message !== null && message.data.length > 0;
  }
}

/** A thing held by a session. */
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
