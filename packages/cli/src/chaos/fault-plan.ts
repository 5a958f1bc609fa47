/** Kind of a fault. */
export type FaultKind = "kill" | "freeze";

/** One fault: what is done to which processes, and for how long. */
export interface Fault {
  kind: FaultKind;
  /** Names of one or two processes. */
  targets: readonly string[];
  /** After this many milliseconds a killed process is started again, or a frozen one continues. */
  lastsMs: number;
  /** How long nothing is done after everything works again, in milliseconds. */
  restMs: number;
}

/** One in this many faults hits two processes at a time. */
const pairEvery = 5;
const killedMs = [200, 3_000] as const;
const frozenMs = [1_000, 12_000] as const;
const restMs = [500, 3_000] as const;

/**
 * Endless faults for these processes: the same for the same seed and names, so that a run can be repeated. NATS servers are hit as often
 * as services; if one of the lists is empty, all faults hit the other.
 * @param servers names of the NATS servers @param services names of the processes of services
 */
export function* planFaults(
  seed: number,
  servers: readonly string[],
  services: readonly string[],
): Generator<Fault, never> {
  const random = randomOf(seed);
  const between = ([from, to]: readonly [number, number]) => Math.round(from + random() * (to - from));
  const pick = (names: readonly string[]) => names[Math.floor(random() * names.length)]!;
  for (;;) {
    const kind = random() < 0.7 ? "kill" : "freeze";
    const kinds = [servers, services].filter((names) => names.length > 0);
    const first = pick(kinds[Math.floor(random() * kinds.length)]!);
    const others = [...servers, ...services].filter((name) => name !== first);
    const targets = random() < 1 / pairEvery ? [first, pick(others)] : [first];
    yield { kind, targets, lastsMs: between(kind === "kill" ? killedMs : frozenMs), restMs: between(restMs) };
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
