/** An interval of so many usual ones is a gap, not the rate. */
const gap = 2.5;

/**
 * Frames per second of pictures with these presentation times, in microseconds and in any order. A decoder that starts gives
 * some times twice or out of order (B-frames, a first RTP timestamp of 0): each counts once. Undefined with fewer than two.
 */
export function frameRate(times: readonly number[]): number | undefined {
  const distinct = [...new Set(times)].sort((a, b) => a - b);
  const intervals = distinct.slice(1).map((time, i) => time - distinct[i]!);
  const usual = intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)];
  if (usual === undefined) return undefined;
  const regular = intervals.filter((interval) => interval <= gap * usual);
  return (1e6 * regular.length) / regular.reduce((sum, interval) => sum + interval, 0);
}
