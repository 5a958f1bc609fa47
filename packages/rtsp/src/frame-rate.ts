/** An interval of so many usual ones is a gap, not the rate. */
const gap = 2.5;

/** Frames that are so near each other were not taken one after the other, in microseconds. */
const standstill = 1_000;

/**
 * Frames per second of a camera, by its pictures' presentation times; where these stand still, all or in pairs, by when the
 * frames arrived. Both in microseconds. Undefined when neither tells.
 */
export function cameraFrameRate(times: readonly number[], arrivals: readonly number[]): number | undefined {
  return standsStill(times) ? (standsStill(arrivals) ? undefined : frameRate(arrivals)) : frameRate(times);
}

/** Whether every other interval, or more, is next to nothing. Times that are twice there are a decoder's. */
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
 * Frames per second of pictures with these presentation times, in microseconds and in any order. A decoder that starts gives
 * some times twice or out of order (B-frames, a first RTP timestamp of 0): each counts once. Undefined with fewer than two.
 */
function frameRate(times: readonly number[]): number | undefined {
  const intervals = intervalsOf(times);
  const usual = usualInterval(intervals);
  if (usual === undefined) return undefined;
  const regular = intervals.filter((interval) => interval <= gap * usual);
  return (1e6 * regular.length) / regular.reduce((sum, interval) => sum + interval, 0);
}
