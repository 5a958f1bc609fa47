/** An interval this many times the usual one is a gap and does not count for the rate. */
const gap = 2.5;

/** Frames closer together than this, in microseconds, have no real times of their own. */
const standstill = 1_000;

/**
 * Frames per second of a camera, from its pictures' presentation times; where these stand still, for all pictures or in pairs, from the
 * frames' arrival. Both are in microseconds. Undefined when neither gives a rate.
 */
export function cameraFrameRate(times: readonly number[], arrivals: readonly number[]): number | undefined {
  return standsStill(times) ? (standsStill(arrivals) ? undefined : frameRate(arrivals)) : frameRate(times);
}

/** Whether at least every other interval is almost zero. Exactly repeated times are caused by a decoder and do not count. */
function standsStill(times: readonly number[]): boolean {
  const intervals = intervalsOf(times);
  const still = intervals.filter((interval) => interval < standstill);
  return still.length > 0 && still.length >= intervals.length / 2;
}

function intervalsOf(times: readonly number[]): number[] {
  const distinct = [...new Set(times)].sort((a, b) => a - b);
  return distinct.slice(1).map((time, i) => time - distinct[i]!);
}

function usualInterval(intervals: readonly number[]): number | undefined {
  return intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)];
}

/**
 * Frames per second of pictures with these presentation times, in microseconds and in any order. A decoder that starts repeats or
 * reorders some times (B-frames, a first RTP timestamp of 0), so each time counts once. Undefined with fewer than two.
 */
function frameRate(times: readonly number[]): number | undefined {
  const intervals = intervalsOf(times);
  const usual = usualInterval(intervals);
  if (usual === undefined) return undefined;
  const regular = intervals.filter((interval) => interval <= gap * usual);
  return (1e6 * regular.length) / regular.reduce((sum, interval) => sum + interval, 0);
}
