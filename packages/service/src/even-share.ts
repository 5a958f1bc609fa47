/** The sessions must be unchanged for this long before anything is handed over. */
const steadyMs = 2_000;
/** For this long, a session leaves what it handed over to the others. */
const leftMs = 1_500;
/** A thing that comes back sooner than this was refused; then nothing is handed over for this long. */
const soonMs = 10_000;
const restMs = 60_000;
/** The most things handed over at a time, so that the others continue undisturbed. */
const mostAtOnce = 4;

/**
 * How many of its things a session should hand over now, so that all sessions have equally many, give or take one. Only a few at a time;
 * the rest is handed over later. `counts`: number of things of each living session, including this one and those without any.
 */
export function surplus(counts: ReadonlyMap<string, number>, session: string): number {
  const own = counts.get(session);
  if (own === undefined || counts.size < 2) return 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const over = own - Math.ceil(all / counts.size);
  if (over > 0) return Math.min(over, mostAtOnce);
  // When the things cannot be divided evenly, one session hands over one thing if another has at least two fewer. If all with the same
  // count did so, they would hand over too much.
  const least = Math.min(...counts.values());
  if (own - least < 2) return 0;
  const giver = [...counts].filter(([, count]) => count === own).map(([id]) => id);
  return giver.sort()[0] === session ? 1 : 0;
}

/** How many things each session has, and how many are free: without a session, or with one that has gone. */
export function countHeld(
  sessions: Iterable<string>,
  things: Iterable<string>,
  holderOf: (thing: string) => string | undefined,
): { counts: Map<string, number>; free: number } {
  const counts = new Map([...sessions].map((session) => [session, 0]));
  let free = 0;
  for (const thing of things) {
    const holder = holderOf(thing);
    const count = holder === undefined ? undefined : counts.get(holder);
    if (count === undefined) free += 1;
    else counts.set(holder!, count + 1);
  }
  return { counts, free };
}

/** The session that should get a thing: the one that has the fewest; undefined when there is none. */
export function fewest(counts: ReadonlyMap<string, number>): string | undefined {
  const [first] = [...counts].sort(([, a], [, b]) => a - b);
  return first?.[0];
}

/** What a process has handed over recently; this decides when it may hand over more. Things are identified by their keys. */
export class HandedOver {
  readonly #lately = new Map<string, { at: number; taker?: string }>();
  #steadySince = performance.now();
  #restUntil = 0;

  /** Sessions have joined or left. */
  sessionsChanged(): void {
    this.#steadySince = performance.now();
  }

  /** A thing was handed over to any session that takes it. */
  add(key: string): void {
    this.#lately.set(key, { at: performance.now() });
  }

  /** A session has taken the thing; ignored unless the thing was handed over. */
  takenBy(key: string, session: string): void {
    const handed = this.#lately.get(key);
    if (handed) handed.taker = session;
  }

  /** Whether a free thing is left to the others for now. */
  isLeft(key: string): boolean {
    const handed = this.#lately.get(key);
    return handed !== undefined && handed.taker === undefined && performance.now() - handed.at < leftMs;
  }

  /**
   * The thing is back. Nobody took it, or a session that still exists (`isThere`) could not do the work. In the second case it was refused,
   * and nothing is handed over for some time.
   */
  returned(key: string, isThere: (session: string) => boolean): void {
    const handed = this.#lately.get(key);
    if (!handed) return;
    if (handed.taker === undefined || isThere(handed.taker)) this.#restUntil = performance.now() + restMs;
    this.#lately.delete(key);
  }

  /** Whether more may be handed over now. */
  mayGive(): boolean {
    const now = performance.now();
    for (const [key, { at }] of this.#lately) if (now - at > soonMs) this.#lately.delete(key);
    return now - this.#steadySince >= steadyMs && now >= this.#restUntil;
  }
}
