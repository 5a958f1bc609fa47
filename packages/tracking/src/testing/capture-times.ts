import type { SeededRandom } from "./seeded-random.ts";

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
