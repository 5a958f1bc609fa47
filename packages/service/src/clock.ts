/** A larger change of the wall clock is a step (it was set, or the host slept), not a drift that NTP corrects. */
const stepMs = 250;
/** How often to check for a step; its time is known to about this precision. */
const watchMs = 250;

/** Wall clock minus performance.now(), in milliseconds. */
let offsetMs = performance.timeOrigin;
/** The last step, and its time by performance.now(). */
let step: { at: number; ms: number } | undefined;
let watching = false;
const listeners = new Set<() => void>();

/** Milliseconds of the host's monotonic clock: the same in every thread and process, unlike performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Milliseconds until the host's monotonic clock shows a multiple of `everyMs`. What the processes of one host do regularly at these moments
 * happens together, so that NATS, and everybody who follows it, wakes once for all of it.
 */
export function untilBeat(everyMs: number): number {
  const rest = everyMs - (monotonicMs() % everyMs);
  // A timer may fire a moment too early: what is due then has just been done.
  return rest < everyMs / 10 ? rest + everyMs : rest;
}

/**
 * The wall clock at a moment of this thread's performance.now(), in milliseconds since 1970, to the microsecond. It follows the system's
 * clock when that is set, drifts, or continued while the host slept; performance.timeOrigin does not.
 */
export function wallClockMs(monotonic?: number): number {
  follow();
  return offsetMs + (monotonic ?? performance.now());
}

/**
 * Milliseconds since this host's wall clock showed `stampMs`. A stamp from before the last step of the clock is recognised because it would
 * otherwise be in the future, or older than the step.
 */
export function wallAgeMs(stampMs: number): number {
  watch();
  const age = wallClockMs() - stampMs;
  if (step === undefined) return age;
  const sinceStep = performance.now() - step.at + 2 * watchMs;
  return age >= 0 && age <= sinceStep ? age : age - step.ms;
}

/** Calls `listener` soon after a step of the wall clock; the returned function removes it. */
export function onClockStep(listener: () => void): () => void {
  watch();
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function watch(): void {
  if (!watching) setInterval(follow, watchMs).unref();
  watching = true;
}

/** Date.now() is exact, but in whole milliseconds; the offset changes only when it contradicts that. */
function follow(): void {
  const before = performance.now();
  const system = Date.now();
  const after = performance.now();
  const least = system - after;
  const most = system + 1 - before;
  const offset = Math.min(Math.max(offsetMs, least), most);
  const moved = offset - offsetMs;
  offsetMs = offset;
  if (Math.abs(moved) <= stepMs) return;
  step = { at: after, ms: moved };
  for (const listener of listeners) listener();
}

/**
 * Converts instants of a monotonic clock to wall-clock time and keeps their order: what is later on one is later on the other. When the
 * system's clock is put back by up to a second, as NTP does, this clock runs at half speed until the two agree. It follows at once a clock
 * that is set back further, since its times would otherwise be wrong for as long as the clock was set back.
 */
export class SteadyWallClock {
  readonly #wallClock: (monotonic: number) => number;
  #last: { monotonic: number; wall: number } | undefined;

  constructor(wallClock: (monotonic: number) => number = wallClockMs) {
    this.#wallClock = wallClock;
  }

  /** Milliseconds since 1970 at `monotonic`, an instant of performance.now(). */
  at(monotonic: number): number {
    const wall = this.#wallClock(monotonic);
    const last = this.#last;
    if (last === undefined) {
      this.#last = { monotonic, wall };
      return wall;
    }
    const wasSet = wall < last.wall - 1_000 && monotonic >= last.monotonic;
    if (monotonic < last.monotonic) return Math.min(wall, last.wall);
    const steady = wasSet ? wall : Math.max(wall, last.wall + (monotonic - last.monotonic) / 2);
    this.#last = { monotonic, wall: steady };
    return steady;
  }
}
