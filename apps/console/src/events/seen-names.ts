import { signal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";

/** Cameras and zones that events told of, since the console was opened; they may be removed by now. */
export const seenCameras = signal<readonly string[]>([]);
export const seenZones = signal<readonly string[]>([]);

/** Keeps the names that events have, so that they can be looked for. */
export function rememberNames(events: readonly HttpEvent[]): void {
  seenCameras.value = joined(
    seenCameras.peek(),
    events.map(({ camera }) => camera),
  );
  seenZones.value = joined(
    seenZones.peek(),
    events.flatMap(({ zone, track }) => [zone, ...(track?.zones ?? [])]),
  );
}

function joined(known: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = new Set(more.filter((name) => name !== "" && !known.includes(name)));
  return fresh.size === 0 ? known : [...known, ...fresh];
}
