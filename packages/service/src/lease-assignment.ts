import { setTimeout as delay } from "node:timers/promises";
import { leaseTtlMs } from "@sightline/contracts";
import { countHeld, leftMs, restMs, soonMs, steadyMs, surplus } from "./even-share.ts";
import type { KvMirror } from "./kv-mirror.ts";
import type { HeldLease } from "./lease.ts";
import { Handover, type HandoverOptions } from "./lease-handover.ts";
import { isLeaving, type LeaseSession, type SessionLease, sessionKey } from "./lease-session.ts";
import { LeaseSuccessors } from "./lease-successors.ts";
import type { Logger } from "./log.ts";

/** So long a process that has its share leaves a lease to those that have not. */
const courtesyMs = 300;
const courtesyStepMs = 30;
const retryMs = 250;
/** How often to look whether processes of this machine have ended. */
const deadLookMs = 200;

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

/** What is dealt out, among whom, and how it is run. */
export interface LeaseAssignmentOptions<T, W extends LeasedWork> {
  /** What is registered: each key of it is one thing to be held. */
  records: KvMirror<T>;
  /** Takes them for this process; started and stopped with the assignment. */
  session: LeaseSession;
  /** Content of the bucket of holders: key of a thing → session that has it. */
  holders: KvMirror<string>;
  /** Content of the bucket of leases: the sessions that live, and the presence of each process. */
  leases: KvMirror<string>;
  /**
   * What tells a thing from another that was registered under the same key after it; none: the key does. Work on the one is not told
   * the other's record: it ends as removed.
   */
  identify?(record: T): string;
  /** First part of the things' keys; the second is the record's key. */
  kind: string;
  /** First part of the keys under which the processes that share the work show that they are there. */
  presence: string;
  /** Begins the work on a record whose lease has just been taken. */
  begin(key: string, record: T, lease: HeldLease): Promise<W>;
  /** Is told the record of work that runs when it has changed. */
  update?(work: W, key: string, record: T): Promise<void>;
  /** How a process gets ready for work that another hands over to it; where there is none, work is let go first and taken then. */
  handover?: HandoverOptions<T, W>;
}

interface Held<W> {
  lease: SessionLease;
  work: W;
  /** Of the record as the work knows it. */
  revision: number | undefined;
  /** What the record it began with says. */
  identity: string | undefined;
}

/** Key, in the bucket of leases, under which a process shows that it is there. */
export function presenceKey(presence: string, holder: string): string {
  return `${presence}.${holder.replaceAll(".", "-")}`;
}

/**
 * Takes the leases of registered things that nobody holds, and runs the work on each for as long as it has the lease.
 * Each is handled by itself, one step after another, so none waits for another. When a process joins, those that have more than
 * their share hand some over, a few at a time.
 */
export class LeaseAssignment<T, W extends LeasedWork> {
  readonly #options: LeaseAssignmentOptions<T, W>;
  readonly #log: Logger;
  readonly #held = new Map<string, Held<W>>();
  /** Per key: the step that runs, and whether another must follow. */
  readonly #busy = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #removeListeners: (() => void)[] = [];
  /** Keys whose work is to be told its record though that is the same. */
  readonly #toTell = new Set<string>();
  /** Keys whose lease is being asked for. */
  #asking = 0;
  /** Keys that this process is to hand over, and those that it has lately, with the time and which session took them. */
  readonly #toHandOver = new Set<string>();
  readonly #handedOver = new Map<string, { at: number; taker?: string }>();
  /** Since when the sessions are the same, and until when nothing is handed over. */
  #steadySince = 0;
  #restUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #deadTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #stopping = new AbortController();
  readonly #handover: Handover<T, W> | undefined;
  readonly #successors: LeaseSuccessors | undefined;

  constructor(options: LeaseAssignmentOptions<T, W>, log: Logger) {
    this.#options = options;
    this.#log = log;
    const isFree = (key: string) => !this.#held.has(key) && !this.#busy.has(key);
    this.#handover = options.handover && new Handover(options.handover, { ...options, isFree }, log);
    const others = () => {
      const { counts } = this.#counts();
      if (options.session.id !== undefined) counts.delete(options.session.id);
      return counts;
    };
    this.#successors = this.#handover && new LeaseSuccessors(this.#handover, others);
  }

  start(): void {
    const { records, holders, leases, session, kind } = this.#options;
    this.#removeListeners.push(
      records.onChange(({ key }) => {
        this.#successors?.changed(key);
        this.#consider(key);
      }),
      holders.onChange(({ key, value }) => {
        if (!key.startsWith(`${kind}.`)) return;
        const thing = key.slice(kind.length + 1);
        this.#successors?.settled(thing);
        // What is given to this process is its own from then on.
        if (value !== undefined && value !== session.id) this.#handover?.takenByOther(thing);
        if (value === undefined || (value === session.id && !this.#held.has(thing))) this.#consider(thing);
        else if (value !== session.id && this.#handedOver.has(thing))
          this.#handedOver.get(thing)!.taker = value;
      }),
      leases.onChange(({ key, value, previous }) => {
        if (!key.startsWith(sessionKey(kind, ""))) return;
        if (value === undefined || previous === undefined) this.#steadySince = performance.now();
        if (value === undefined) this.#considerAll();
      }),
    );
    this.#steadySince = performance.now();
    session.start(() => {
      if (session.id !== undefined) this.#handover?.listen(session.id);
      this.#considerAll();
    });
    // A lease that was lost without a word, or that could not be asked for, is found by looking again.
    this.#timer = setInterval(() => {
      this.#considerAll();
      this.#even();
    }, leaseTtlMs / 4);
    this.#deadTimer = setInterval(() => this.#endDead(), deadLookMs);
  }

  /** The work that runs in this process. */
  work(): W[] {
    return [...this.#held.values()].map(({ work }) => work);
  }

  /** What holds for a key is not all in its record, and has changed: work on it is told the record again. */
  tellAgain(key: string): void {
    this.#toTell.add(key);
    this.#successors?.changed(key);
    this.#consider(key);
  }

  /** Takes no more leases, ends all work and gives the leases back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#successors?.stop();
    this.#stopping.abort();
    clearInterval(this.#timer);
    clearInterval(this.#deadTimer);
    for (const remove of this.#removeListeners.splice(0)) remove();
    // What another hands over to this process is not for it any more.
    const ending = this.#handover?.stop();
    await this.#options.session.leave();
    const steps = () => Promise.all([...this.#busy.values()].map(({ done }) => done));
    for (const key of this.#held.keys()) this.#consider(key);
    await steps();
    // What was being taken is held only now.
    for (const key of this.#held.keys()) this.#consider(key);
    await Promise.all([steps(), ending]);
    await this.#options.session.stop();
  }

  #considerAll(): void {
    const { records, holders, session } = this.#options;
    for (const key of new Set([...records.keys(), ...this.#held.keys()])) this.#consider(key);
    // NATS that lost its newest messages may have lost whose these are.
    for (const key of this.#held.keys())
      if (holders.get(this.#leaseKey(key)) !== session.id) void session.confirm(key);
  }

  /** Whoever was killed on this machine does not come back: the others need not wait until its lease has expired. */
  #endDead(): void {
    const { leases, session, kind } = this.#options;
    if (session.id === undefined) return;
    for (const key of leases.keys()) {
      const revision = leases.revision(key);
      if (
        key.startsWith(sessionKey(kind, "")) &&
        revision !== undefined &&
        key !== sessionKey(kind, session.id)
      )
        void session.endDead(key, leases.get(key)!, revision);
    }
  }

  /** Hands some over when others have fewer. Not while anything is free: that goes to them first. */
  #even(): void {
    const { session } = this.#options;
    const now = performance.now();
    for (const [key, { at }] of this.#handedOver) if (now - at > soonMs) this.#handedOver.delete(key);
    const own = session.id;
    const { counts, free } = this.#counts();
    if (own === undefined || now - this.#steadySince < steadyMs || now < this.#restUntil) return;
    if (this.#toHandOver.size > 0 || free > 0) return;
    // The newest: what has been here for long has the most to lose.
    const staying = [...this.#held.keys()].filter((key) => this.#successors?.of(key) === undefined);
    for (const key of staying.reverse().slice(0, surplus(counts, own))) {
      this.#toHandOver.add(key);
      this.#consider(key);
    }
  }

  /**
   * Things that each session has that others may give something to; one that is being handed over is its successor's. Those of a process that stops
   * count as free.
   */
  #counts(): ReturnType<typeof countHeld> {
    const { records, holders, leases, kind } = this.#options;
    const prefix = sessionKey(kind, "");
    const sessions = leases.keys().filter((key) => key.startsWith(prefix) && !isLeaving(leases.get(key)!));
    return countHeld(
      sessions.map((key) => key.slice(prefix.length)),
      records.keys(),
      (key) => this.#successors?.of(key) ?? holders.get(this.#leaseKey(key)),
    );
  }

  #consider(key: string): void {
    const busy = this.#busy.get(key);
    if (busy) {
      busy.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    this.#busy.set(key, entry);
    entry.done = (async () => {
      do {
        entry.again = false;
        await this.#step(key).catch((error: Error) => this.#failed(key, error));
      } while (entry.again);
      this.#busy.delete(key);
    })();
  }

  #failed(key: string, error: Error): void {
    const { kind } = this.#options;
    this.#log.warn({ [kind]: key, err: error }, `${kind} not taken or changed yet; trying again`);
    this.#lookAgain(key);
  }

  #lookAgain(key: string): void {
    void delay(retryMs).then(() => {
      if (!this.#stopped || this.#held.has(key)) this.#consider(key);
    });
  }

  async #step(key: string): Promise<void> {
    const record = this.#stopped ? undefined : this.#options.records.get(key);
    const held = this.#held.get(key);
    const { identify } = this.#options;
    const handOver = this.#toHandOver.delete(key);
    if (held && (!record || held.lease.lost.aborted || held.identity !== identify?.(record) || handOver)) {
      await this.#letGo(key, held, handOver);
      if (record && !held.lease.lost.aborted) this.#consider(key);
      return;
    }
    // Who begins reads all of it, and so does who is told of it.
    const mustTell = this.#toTell.delete(key);
    if (!record) return;
    const revision = this.#options.records.revision(key);
    if (held) {
      if (held.revision === revision && !mustTell) return;
      held.revision = undefined;
      await this.#options.update?.(held.work, key, record);
      held.revision = revision;
    } else if (!this.#isLeased(key)) {
      const handed = this.#handedOver.get(key);
      const isLeft = handed && handed.taker === undefined && performance.now() - handed.at < leftMs;
      if (isLeft || this.#mayReturn(key)) this.#lookAgain(key);
      else await this.#take(key, record, revision);
    }
  }

  #leaseKey(key: string): string {
    return `${this.#options.kind}.${key}`;
  }

  #isLeased(key: string): boolean {
    const { holders, leases, session, kind } = this.#options;
    const holder = holders.get(this.#leaseKey(key));
    // One that names this process's own session, which does not have it, could not be given back.
    if (holder === undefined || holder === session.id) return false;
    return leases.get(sessionKey(kind, holder)) !== undefined;
  }

  /** Whether a process that had it may yet say that it lives. */
  #mayReturn(key: string): boolean {
    const { holders, session } = this.#options;
    return session.id !== undefined && !session.settled && holders.get(this.#leaseKey(key)) !== undefined;
  }

  async #take(key: string, record: T, revision: number | undefined): Promise<void> {
    const { session, kind, holders } = this.#options;
    const isGiven = () => this.#handover?.has(key) || holders.get(this.#leaseKey(key)) === session.id;
    for (let waited = 0; waited < courtesyMs && !isGiven() && this.#hasItsShare(); waited += courtesyStepMs)
      await delay(courtesyStepMs);
    if (this.#stopped) return;
    this.#asking += 1;
    const lease = await session.take(key).finally(() => {
      this.#asking -= 1;
    });
    if (!lease) {
      // Nobody renews the session that has it, but NATS has not let it expire yet.
      if (session.id !== undefined && !this.#isLeased(key)) this.#lookAgain(key);
      return;
    }
    try {
      if (this.#wasRefused(key)) this.#restUntil = performance.now() + restMs;
      this.#handedOver.delete(key);
      const prepared = this.#handover?.take(key, revision);
      const work = prepared ? prepared.begin() : await this.#options.begin(key, record, lease);
      // What is not in its record may have changed since.
      if (prepared) this.tellAgain(key);
      this.#successors?.settled(key);
      this.#held.set(key, { lease, work, revision, identity: this.#options.identify?.(record) });
      lease.lost.addEventListener("abort", () => this.#consider(key), { once: true });
      this.#log.info({ [kind]: key }, `${kind} taken`);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Whether a thing that comes back was handed over lately to nobody, or to one that is there and could not do the work; not if that one is gone. */
  #wasRefused(key: string): boolean {
    const { leases, kind } = this.#options;
    const handed = this.#handedOver.get(key);
    if (!handed) return false;
    return handed.taker === undefined || leases.get(sessionKey(kind, handed.taker)) !== undefined;
  }

  /** Whether a session is there, and its process does not stop. */
  #takesMore(session: string): boolean {
    const { leases, kind } = this.#options;
    const value = leases.get(sessionKey(kind, session));
    return value !== undefined && !isLeaving(value);
  }

  /** Whether this process has as much as each would, were all dealt out evenly. */
  #hasItsShare(): boolean {
    const { records, leases, presence } = this.#options;
    const processes = leases.keys().filter((key) => key.startsWith(`${presence}.`)).length;
    return this.#held.size + this.#asking >= Math.ceil(records.keys().length / Math.max(1, processes));
  }

  async #letGo(key: string, held: Held<W>, handOver: boolean): Promise<void> {
    const { lease, work, identity } = held;
    const { kind, records, identify } = this.#options;
    const end = (): LeaseEnd => {
      if (lease.lost.aborted) return "lost";
      const record = records.get(key);
      const registered = this.#stopped || (record !== undefined && identify?.(record) === identity);
      if (!registered) return "removed";
      return this.#stopped || !handOver ? "released" : "handed over";
    };
    const first = end();
    const isLeft = first === "released" || first === "handed over";
    const leave = () => work.leave?.() === true;
    const ends = [lease.lost, ...(this.#stopped ? [] : [this.#stopping.signal])];
    const successor = isLeft ? await this.#successors?.prepare({ key, identity, leave, ends }) : undefined;
    const why = end();
    const isPassed = successor !== undefined && why !== "removed" && why !== "lost";
    if (work.seal) await work.seal(why, isPassed);
    else await work.stop(why);
    this.#held.delete(key);
    // From now on it is left to the others, however long it took them to get ready.
    if (why === "handed over") this.#handedOver.set(key, { at: performance.now() });
    // One that has begun to stop meanwhile would keep it from all others until it is gone.
    if (isPassed && this.#takesMore(successor)) await lease.pass(successor);
    else await lease.release();
    if (work.seal) await work.stop(why);
    this.#log.info({ [kind]: key, why, passed: isPassed }, `${kind} let go`);
  }
}
