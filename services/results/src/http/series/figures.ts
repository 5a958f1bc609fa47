import type { HttpFigures, HttpSample } from "@sightline/contracts";

/** Frames that a camera was asked not to analyse are no loss. */
const intended = new Set(["sampled_out", "no_motion"]);

/**
 * Sums up the last seconds of a camera, oldest first: what pages show and findings speak of, so that they agree.
 * `latencyMs` is that of all their frames. Null when there is no second yet.
 */
export function figuresOf(
  samples: readonly HttpSample[],
  latencyMs: HttpFigures["latencyMs"],
): HttpFigures | null {
  const newest = samples.at(-1);
  if (!newest) return null;
  const captured = sum(samples, (sample) => sample.captured);
  const inferred = sum(samples, (sample) => sample.inferred);
  const lost = sum(samples, ({ dropped }) => lostFrames(dropped));
  return {
    seconds: samples.length,
    capturedFps: captured / samples.length,
    inferredFps: inferred / samples.length,
    lostShare: lost + inferred > 0 ? lost / (lost + inferred) : 0,
    latencyMs,
    tracks: newest.tracks,
  };
}

function lostFrames(dropped: Readonly<Record<string, number>>): number {
  return Object.entries(dropped).reduce(
    (total, [reason, count]) => total + (intended.has(reason) ? 0 : count),
    0,
  );
}

function sum(samples: readonly HttpSample[], of: (sample: HttpSample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}
