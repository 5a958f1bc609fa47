/** A small seeded generator (mulberry32): scenes must be the same on every machine. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Close to a standard normal: twelve uniforms (Irwin–Hall), which needs no transcendental function. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.next();
    return sum;
  }
}

/** When frames arrive. */
export interface Capture {
  readonly durationMs: number;
  readonly intervalMs: number;
  /** Each capture time is off by up to this share of the interval, either way. Below 0.5 the order is kept. */
  readonly jitter?: number;
  /** The chance that a frame is dropped. */
  readonly dropShare?: number;
  /** No frames within these. */
  readonly bursts?: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** A captured frame: its place in the camera's regular rhythm and its time. */
export interface CaptureTime {
  readonly index: number;
  readonly timeMs: number;
}

export function captureTimes(capture: Capture, random: SeededRandom): CaptureTime[] {
  const { durationMs, intervalMs, jitter = 0, dropShare = 0, bursts = [] } = capture;
  const times: CaptureTime[] = [];
  for (let index = 0; index * intervalMs < durationMs; index++) {
    const timeMs = index * intervalMs + random.between(-jitter, jitter) * intervalMs;
    const dropped = random.next() < dropShare;
    if (dropped || bursts.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)) continue;
    times.push({ index, timeMs });
  }
  return times;
}
