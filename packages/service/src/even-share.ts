/** Nothing is handed over before the sessions have been the same for so long. */
const steadyMs = 2_000;
/** What was handed over is left to the others for so long. */
const leftMs = 1_500;
/** What comes back so soon after it was handed over was refused; then nothing is handed over for the longer time. */
const soonMs = 10_000;
const restMs = 60_000;
/** No more are handed over at a time, so that the others go on undisturbed. */
const mostAtOnce = 4;

/**
 * How many of its things a session should hand over now, so that all have as many, one more or less. Few at a time: what is left is
 * handed over later. `counts`: things that each living session has, itself and those that have none among them.
 */
export function surplus(counts: ReadonlyMap<string, number>, session: string): number {
  const own = counts.get(session);
  if (own === undefined || counts.size < 2) return 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const over = own - Math.ceil(all / counts.size);
  if (over > 0) return Math.min(over, mostAtOnce);
  // Where it does not come out even, one gives where another lacks two; were it several, they would give too much.
  const least = Math.min(...counts.values());
  if (own - least < 2) return 0;
  const giver = [...counts].filter(([, count]) => count === own).map(([id]) => id);
  return giver.sort()[0] === session ? 1 : 0;
}

/** How many things each session has, and how many are free: nobody has them, or a session that is gone. */
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

/** Who is to get a thing: the session that has the fewest; undefined when there is none. */
export function fewest(counts: ReadonlyMap<string, number>): string | undefined {
  const [first] = [...counts].sort(([, a], [, b]) => a - b);
  return first?.[0];
}

/** What a process has handed over lately, which decides when it may hand over more. Things are known by their keys. */
export class HandedOver {
  readonly #lately = new Map<string, { at: number; taker?: string }>();
  #steadySince = performance.now();
  #restUntil = 0;

  /** Sessions have come or gone. */
  sessionsChanged(): void {
    this.#steadySince = performance.now();
  }

  /** A thing was handed over, to whoever takes it. */
  add(key: string): void {
    this.#lately.set(key, { at: performance.now() });
  }

  /** A session has taken the thing, if it is one that was handed over. */
  takenBy(key: string, session: string): void {
    const handed = this.#lately.get(key);
    if (handed) handed.taker = session;
  }

  /** Whether a thing that is free is left to the others for now. */
  isLeft(key: string): boolean {
    const handed = this.#lately.get(key);
    return handed !== undefined && handed.taker === undefined && performance.now() - handed.at < leftMs;
  }

  /**
   * The thing is back. Nobody took it, or one that is still there (`isThere`) could not do the work: then it was refused, and nothing is
   * handed over for some time.
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
