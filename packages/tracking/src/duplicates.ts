import { intersectionOverUnion, type Observation } from "./box.ts";
import type { Track } from "./track.ts";

/**
 * If a visible track and a lost track overlap by more than `limit`, and both were found as the same class, they are one object that got
 * a second track while the first was lost. The track that was followed longer stays; on a tie the lost one (reference:
 * `remove_duplicate_stracks`).
 */
export function removeDuplicates(
  tracks: Track[],
  limit: number,
): { kept: Track[]; removed: readonly Track[] } {
  const lost = tracks.filter((track) => track.status === "lost");
  if (lost.length === 0) return { kept: tracks, removed: [] };
  const removed = new Set<Track>();
  for (const track of tracks) {
    if (track.status === "lost") continue;
    for (const other of lost) {
      if (intersectionOverUnion(track, other) <= limit) continue;
      if (!track.wasOf(other.classId) && !other.wasOf(track.classId)) continue;
      removed.add(followedMs(track) > followedMs(other) ? other : track);
    }
  }
  if (removed.size === 0) return { kept: tracks, removed: [] };
  return { kept: tracks.filter((track) => !removed.has(track)), removed: [...removed] };
}

function followedMs(track: Track): number {
  return track.lastSeenMs - track.firstSeenMs;
}

/**
 * Two boxes of different classes on top of each other are one object that the detector found twice. If two overlap
 * by more than `limit`, the one with the higher score stays; on a tie the first. Boxes of the same class are left to the
 * detector.
 * @param candidates indices into `observations`
 * @returns the candidates that stay, in the same order
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
