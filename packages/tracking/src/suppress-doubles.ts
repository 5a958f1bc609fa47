import { intersectionOverUnion } from "./box.ts";
import type { Observation } from "./observation.ts";

/**
 * Two boxes of different classes on top of each other are one object that the detector names twice: of two that overlap
 * by more than `limit` the one with the higher score stays, on a tie the first. Boxes of one class are the detector's to
 * tell apart.
 * @param candidates indices into `observations`
 * @returns those that stay, in the same order
 */
export function suppressDoubles(
  observations: readonly Observation[],
  candidates: readonly number[],
  limit: number,
): readonly number[] {
  const looked = candidates.map((index) => observations[index]!);
  const isOneClass = looked.every(({ classId }) => classId === looked[0]!.classId);
  if (isOneClass || !looked.some((one, at) => hasDouble(looked, at, one, limit))) return candidates;
  const byScore = candidates.toSorted((a, b) => observations[b]!.score - observations[a]!.score || a - b);
  const stay: Observation[] = [];
  for (const index of byScore) {
    const one = observations[index]!;
    if (!hasDouble(stay, stay.length, one, limit)) stay.push(one);
  }
  const staying = new Set(stay);
  return candidates.filter((index) => staying.has(observations[index]!));
}

/** Whether one of the first `count` observations is of the same object, but of another class. */
function hasDouble(others: readonly Observation[], count: number, one: Observation, limit: number): boolean {
  for (let at = 0; at < count; at++) {
    const other = others[at]!;
    if (other.classId !== one.classId && intersectionOverUnion(other.box, one.box) > limit) return true;
  }
  return false;
}
