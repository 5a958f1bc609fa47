import { fewest } from "./even-share.ts";
import type { Handover } from "./lease-handover.ts";
import { TaskLimit } from "./task-limit.ts";

/**
 * So long a process that stops takes for all that it hands over, of the 15 s that it has for everything, and one that goes on for each thing. Most
 * cameras leave no more between key pictures, and who gets ready for one must wait for the next.
 */
const handOverLimitMs = 10_000;
/** So many are handed over at a time: more would only make each of them slower. */
const mostAtOnce = 16;

/** Who is to get a thing. */
interface Successor {
  session: string;
  /** It is not waited for any more: the thing is another by now. */
  changed: AbortController;
}

/** Something that is to be handed over. */
export interface HandedThing {
  key: string;
  identity: string | undefined;
  /** It is going to be let go in a moment. Returns whether something is missed while nobody does it. */
  leave: () => boolean;
  /** End the waiting. */
  ends: readonly AbortSignal[];
}

/** Finds, for things that are let go, the process that is to have them next, and waits until that is ready. A few things at a time. */
export class LeaseSuccessors {
  readonly #handover: Pick<Handover<never, never>, "ask">;
  readonly #others: () => Map<string, number>;
  /** By key: who gets ready for it, or has just been given it. */
  readonly #successors = new Map<string, Successor>();
  /** Things that are handed over or wait for their turn. */
  readonly #turns = new TaskLimit(mostAtOnce);
  /** By performance.now(): what has no successor by then is let go without one. */
  #until = Number.POSITIVE_INFINITY;

  /** `others`: sessions of the other processes, and how many things each has; the map is the caller's to change. */
  constructor(handover: Pick<Handover<never, never>, "ask">, others: () => Map<string, number>) {
    this.#handover = handover;
    this.#others = others;
  }

  /** This process stops: all that it has is handed over within a time. */
  stop(): void {
    this.#until = performance.now() + handOverLimitMs;
  }

  /** The session that gets ready for a thing, or has just been given it. */
  of(key: string): string | undefined {
    return this.#successors.get(key)?.session;
  }

  /** The thing is another by now: who gets ready for it is not waited for. */
  changed(key: string): void {
    this.#successors.get(key)?.changed.abort();
  }

  /** It is seen who has the thing. */
  settled(key: string): void {
    this.#successors.delete(key);
  }

  /** The session of another process that has got ready; undefined when none has. */
  prepare(thing: HandedThing): Promise<string | undefined> {
    return this.#turns.run(() => this.#askOthers(thing));
  }

  /** Asks those that have the fewest first. One that does not answer, as it stops itself, leaves it to the next. */
  async #askOthers({ key, identity, leave, ends }: HandedThing): Promise<string | undefined> {
    const asked = new Set<string>();
    for (;;) {
      const others = this.#others();
      for (const session of asked) others.delete(session);
      const session = fewest(others);
      // What waits for its turn is to have its time too.
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
