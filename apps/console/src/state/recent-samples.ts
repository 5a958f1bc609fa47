import type { HttpSample } from "@sightline/contracts";

/** Frames that a camera was asked not to analyse are no loss. */
const intended = new Set(["sampled_out", "no_motion"]);

/** Fewer seconds say nothing: a frame counts as captured in one second and as analysed in the next. */
const fewestSeconds = 3;

/** Figures of a camera over its last seconds. */
export interface Figures {
  /** Frames per second that came, and that were analysed. */
  capturedFps: number;
  inferredFps: number;
  /** Capture to delivery in milliseconds, of the newest second that has one. */
  latency: { p50: number; p95: number; p99: number } | null;
  /** Frames that should have been analysed and were not, of all that should have been, 0..1. */
  dropRate: number;
  tracks: number;
}

/** `samples` with `next` at its end, without those that lie `seconds` or more before it. */
export function recent(
  samples: readonly HttpSample[],
  next: HttpSample,
  seconds: number,
): readonly HttpSample[] {
  const first = next.timeMs - seconds * 1000;
  return [...samples.filter((sample) => sample.timeMs > first && sample.timeMs < next.timeMs), next];
}

/** Sums up samples, oldest first; undefined when there are too few. */
export function figures(samples: readonly HttpSample[]): Figures | undefined {
  const newest = samples.at(-1);
  if (!newest || samples.length < fewestSeconds) return undefined;
  const captured = sum(samples, (sample) => sample.captured);
  const inferred = sum(samples, (sample) => sample.inferred);
  const lost = sum(samples, (sample) => lostFrames(sample.dropped));
  return {
    capturedFps: captured / samples.length,
    inferredFps: inferred / samples.length,
    latency: samples.findLast((sample) => sample.latencyMs !== null)?.latencyMs ?? null,
    dropRate: lost + inferred > 0 ? lost / (lost + inferred) : 0,
    tracks: newest.tracks,
  };
}

/** Frames dropped for reasons that nobody asked for. */
export function lostFrames(dropped: Readonly<Record<string, number>>): number {
  return Object.entries(dropped).reduce(
    (total, [reason, count]) => total + (intended.has(reason) ? 0 : count),
    0,
  );
}

function sum(samples: readonly HttpSample[], of: (sample: HttpSample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}
