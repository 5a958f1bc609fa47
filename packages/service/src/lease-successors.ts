import { fewest } from "./even-share.ts";
import type { Handover } from "./lease-handover.ts";
import { TaskLimit } from "./tasks.ts";

/**
 * Time that a stopping process takes to hand over everything, out of its 15 s in total, and that a running process takes for each thing.
 * Most cameras send key pictures more often than this, and the process that prepares for one must wait for the next.
 */
const handOverLimitMs = 10_000;
/** The most handovers at a time: more would only make each of them slower. */
const mostAtOnce = 16;

/** The next holder of a thing. */
interface Successor {
  session: string;
  /** Aborts the waiting when the key belongs to another thing by now. */
  changed: AbortController;
}

/** A thing to hand over. */
export interface HandedThing {
  key: string;
  identity: string | undefined;
  /** The thing will be released in a moment. Returns whether something is missed while nobody works on it. */
  leave: () => boolean;
  /** Signals that end the waiting. */
  ends: readonly AbortSignal[];
}

/** Finds the next process for things that are released, and waits until it is ready. A few things at a time. */
export class LeaseSuccessors {
  readonly #handover: Pick<Handover<never, never>, "ask">;
  readonly #others: () => Map<string, number>;
  /** By key: the process that prepares for it, or has just received it. */
  readonly #successors = new Map<string, Successor>();
  /** Things that are being handed over or wait for their turn. */
  readonly #turns = new TaskLimit(mostAtOnce);
  /** By performance.now(): a thing without a successor by then is released without one. */
  #until = Number.POSITIVE_INFINITY;

  /** `others`: sessions of the other processes, and how many things each has; the returned map may be changed. */
  constructor(handover: Pick<Handover<never, never>, "ask">, others: () => Map<string, number>) {
    this.#handover = handover;
    this.#others = others;
  }

  /** This process stops: everything that it has is handed over within a time limit. */
  stop(): void {
    this.#until = performance.now() + handOverLimitMs;
  }

  /** The session that prepares for a thing, or has just received it. */
  of(key: string): string | undefined {
    return this.#successors.get(key)?.session;
  }

  /** The key belongs to another thing by now: do not wait for the process that prepares. */
  changed(key: string): void {
    this.#successors.get(key)?.changed.abort();
  }

  /** The new holder of the thing is visible. */
  settled(key: string): void {
    this.#successors.delete(key);
  }

  /** The session of another process that has prepared; undefined when none has. */
  prepare(thing: HandedThing): Promise<string | undefined> {
    return this.#turns.run(() => this.#askOthers(thing));
  }

  /** Asks the sessions with the fewest things first. If one does not answer because it is stopping, the next is asked. */
  async #askOthers({ key, identity, leave, ends }: HandedThing): Promise<string | undefined> {
    const asked = new Set<string>();
    for (;;) {
      const others = this.#others();
      for (const session of asked) others.delete(session);
      const session = fewest(others);
      // Things that wait for their turn need their time too.
      const rounds = Math.max(1, Math.ceil(this.#turns.size / mostAtOnce));
      const waitMs = Math.min(handOverLimitMs, (this.#until - performance.now()) / rounds);
      if (session === undefined || waitMs <= 0 || !leave()) return undefined;
      asked.add(session);
      const changed = new AbortController();
      this.#successors.set(key, { session, changed });
      const signals = [...ends, changed.signal];
      const thing = { thing: key, identity };
      const answer = await this.#handover.ask(session, thing, Math.round(waitMs), AbortSignal.any(signals));
      if (answer === "ready") return session;
      this.#successors.delete(key);
      if (answer === "not ready" || signals.some(({ aborted }) => aborted)) return undefined;
    }
  }
}
