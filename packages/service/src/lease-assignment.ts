import { setTimeout as delay } from "node:timers/promises";
import { leaseTtlMs } from "@sightline/contracts";
import { HandedOver, surplus } from "./even-share.ts";
import type { KvMirror } from "./kv-mirror.ts";
import type { HeldLease } from "./lease.ts";
import { Handover, type HandoverOptions, type LeasedWork, type LeaseEnd } from "./lease-handover.ts";
import { type LeaseSession, type SessionLease, sessionKey } from "./lease-session.ts";
import { LeaseSuccessors } from "./lease-successors.ts";
import { LeaseView, type LeaseViewOptions } from "./lease-view.ts";
import type { Logger } from "./log.ts";
import { KeyedSteps } from "./tasks.ts";

/** For this long, a process that has its share leaves a free lease to processes with less. */
const courtesyMs = 300;
const courtesyStepMs = 30;
const retryMs = 250;
/** How often to check whether processes on this machine have ended. */
const deadLookMs = 200;

/** What is assigned, among which processes, and how its work is run. */
export interface LeaseAssignmentOptions<T, W extends LeasedWork> extends LeaseViewOptions {
  /** The registered things: each key is one thing to hold. */
  records: KvMirror<T>;
  /** Takes the leases for this process; started and stopped with the assignment. */
  session: LeaseSession;
  /**
   * Tells a thing from another one that was later registered under the same key; without it, the key alone does. Work on the first does not
   * get the other's record: it ends as removed.
   */
  identify?(record: T): string;
  /** Begins the work on a record whose lease was just taken. */
  begin(key: string, record: T, lease: HeldLease): Promise<W>;
  /** Receives the changed record of running work. */
  update?(work: W, key: string, record: T): Promise<void>;
  /** How a process prepares for work that another hands over to it. Without it, the work is first released and then taken. */
  handover?: HandoverOptions<T, W>;
}

interface Held<W> {
  lease: SessionLease;
  work: W;
  /** Revision of the record as the work knows it. */
  revision: number | undefined;
  /** Identity of the record that the work began with. */
  identity: string | undefined;
}

/**
 * Takes the leases of registered things that nobody holds, and runs the work on each while it has the lease. Each thing has its own
 * sequence of steps, so none waits for another. When a process joins, processes with more than their share hand some over, a few at a time.
 */
export class LeaseAssignment<T, W extends LeasedWork> {
  readonly #options: LeaseAssignmentOptions<T, W>;
  readonly #log: Logger;
  readonly #held = new Map<string, Held<W>>();
  readonly #steps: KeyedSteps;
  readonly #removeListeners: (() => void)[] = [];
  /** Keys whose work must get its record again although the record has not changed. */
  readonly #toTell = new Set<string>();
  /** Keys whose lease is being requested. */
  #asking = 0;
  /** Keys that this process must hand over. */
  readonly #toHandOver = new Set<string>();
  readonly #handedOver = new HandedOver();
  readonly #view: LeaseView;
  #timer: NodeJS.Timeout | undefined;
  #deadTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #stopping = new AbortController();
  readonly #handover: Handover<T, W> | undefined;
  readonly #successors: LeaseSuccessors | undefined;

  constructor(options: LeaseAssignmentOptions<T, W>, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#view = new LeaseView(options);
    this.#steps = new KeyedSteps((key) => this.#step(key).catch((error: Error) => this.#failed(key, error)));
    const isFree = (key: string) => !this.#held.has(key) && !this.#steps.isRunning(key);
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
        // A thing that was given to this process belongs to it from then on.
        if (value !== undefined && value !== session.id) this.#handover?.takenByOther(thing);
        if (value === undefined || (value === session.id && !this.#held.has(thing))) this.#consider(thing);
        else if (value !== session.id) this.#handedOver.takenBy(thing, value);
      }),
      leases.onChange(({ key, value, previous }) => {
        if (!key.startsWith(sessionKey(kind, ""))) return;
        if (value === undefined || previous === undefined) this.#handedOver.sessionsChanged();
        if (value === undefined) this.#considerAll();
      }),
    );
    this.#handedOver.sessionsChanged();
    session.start(() => {
      if (session.id !== undefined) this.#handover?.listen(session.id);
      this.#considerAll();
    });
    // Regular checks find a lease that was lost without notice, or that could not be requested.
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

  /** Something relevant to a key changed that is not in its record: its work gets the record again. */
  tellAgain(key: string): void {
    this.#toTell.add(key);
    this.#successors?.changed(key);
    this.#consider(key);
  }

  /** Takes no more leases, ends all work and releases the leases. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#successors?.stop();
    this.#stopping.abort();
    clearInterval(this.#timer);
    clearInterval(this.#deadTimer);
    for (const remove of this.#removeListeners.splice(0)) remove();
    // This process does not accept any more handovers.
    const ending = this.#handover?.stop();
    await this.#options.session.leave();
    for (const key of this.#held.keys()) this.#consider(key);
    await this.#steps.settled();
    // Leases that were still being requested are known only now.
    for (const key of this.#held.keys()) this.#consider(key);
    await Promise.all([this.#steps.settled(), ending]);
    await this.#options.session.stop();
  }

  #considerAll(): void {
    const { records, session } = this.#options;
    for (const key of new Set([...records.keys(), ...this.#held.keys()])) this.#consider(key);
    // A NATS that lost its newest messages may also have lost who holds these things.
    for (const key of this.#held.keys())
      if (this.#view.holderOf(key) !== session.id) void session.confirm(key);
  }

  /** A process of this machine that was killed will not come back: the others need not wait until its lease expires. */
  #endDead(): void {
    const { session } = this.#options;
    if (session.id === undefined) return;
    for (const { key, value, revision } of this.#view.otherSessions())
      void session.endDead(key, value, revision);
  }

  /** Hands some things over when others have fewer, but not while any thing is free: those are taken first. */
  #even(): void {
    const own = this.#options.session.id;
    const mayGive = this.#handedOver.mayGive();
    if (own === undefined || !mayGive) return;
    const { counts, free } = this.#counts();
    if (this.#toHandOver.size > 0 || free > 0) return;
    // The newest ones, because things that have been here for long have the most to lose.
    const staying = [...this.#held.keys()].filter((key) => this.#successors?.of(key) === undefined);
    for (const key of staying.reverse().slice(0, surplus(counts, own))) {
      this.#toHandOver.add(key);
      this.#consider(key);
    }
  }

  #counts(): ReturnType<LeaseView["counts"]> {
    return this.#view.counts((key) => this.#successors?.of(key));
  }

  #consider(key: string): void {
    this.#steps.ask(key);
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
    // Both beginning work and updating it read everything.
    const mustTell = this.#toTell.delete(key);
    if (!record) return;
    const revision = this.#options.records.revision(key);
    if (held) {
      if (held.revision === revision && !mustTell) return;
      held.revision = undefined;
      await this.#options.update?.(held.work, key, record);
      held.revision = revision;
    } else if (!this.#view.isLeased(key)) {
      if (this.#handedOver.isLeft(key) || this.#view.mayReturn(key)) this.#lookAgain(key);
      else await this.#take(key, record, revision);
    }
  }

  async #take(key: string, record: T, revision: number | undefined): Promise<void> {
    const { session, kind } = this.#options;
    const isGiven = () => this.#handover?.has(key) || this.#view.holderOf(key) === session.id;
    for (let waited = 0; waited < courtesyMs && !isGiven() && this.#hasItsShare(); waited += courtesyStepMs)
      await delay(courtesyStepMs);
    if (this.#stopped) return;
    this.#asking += 1;
    const lease = await session.take(key).finally(() => {
      this.#asking -= 1;
    });
    if (!lease) {
      // Nobody renews the session that holds the thing, but NATS has not let its entry expire yet.
      if (session.id !== undefined && !this.#view.isLeased(key)) this.#lookAgain(key);
      return;
    }
    try {
      this.#handedOver.returned(key, (taker) => this.#view.isThere(taker));
      const prepared = this.#handover?.take(key, revision);
      const work = prepared ? prepared.begin() : await this.#options.begin(key, record, lease);
      // Things that are not in the record may have changed since it was prepared.
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

  /** Whether this process has as much as an even distribution would give it. */
  #hasItsShare(): boolean {
    return this.#held.size + this.#asking >= this.#view.share;
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
    // From now on it is left to the others, however long they took to prepare.
    if (why === "handed over") this.#handedOver.add(key);
    // A successor that has begun to stop meanwhile would keep the thing from all others until it has ended.
    if (isPassed && this.#view.takesMore(successor)) await lease.pass(successor);
    else await lease.release();
    if (work.seal) await work.stop(why);
    this.#log.info({ [kind]: key, why, passed: isPassed }, `${kind} let go`);
  }
}
