import { intersectionOverUnion } from "./box.ts";
import type { Track } from "./track.ts";

/**
 * Where a track in sight and a lost track of a class that both were found as overlap by more than `limit`, they are one object that got
 * a second track while the first was lost: the one followed longer stays, on a tie the lost one (reference:
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
      if (!track.wasOf(other.classId) && !other.wasOf(track.classId)) continue;
      if (intersectionOverUnion(track, other) <= limit) continue;
      removed.add(followedMs(track) > followedMs(other) ? other : track);
    }
  }
  if (removed.size === 0) return { kept: tracks, removed: [] };
  return { kept: tracks.filter((track) => !removed.has(track)), removed: [...removed] };
}

function followedMs(track: Track): number {
  return track.lastSeenMs - track.firstSeenMs;
}
