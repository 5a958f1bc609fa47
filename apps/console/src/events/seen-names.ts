import { signal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { countEvents, listEvents } from "../api/calls.ts";
import { cameras } from "../state/cameras.ts";

/** So many of the newest events are looked at, and those of so many days counted. */
const mostLooked = 500;
const daysCounted = [30, 1] as const;
const everything = { camera: "", type: "", class: "", zone: "" };
const dayMs = 24 * 3_600_000;

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

/** Looks for the names of cameras and zones that are gone when a page opens that offers them. */
export function useSeenNames(): void {
  useEffect(() => {
    const aborted = new AbortController();
    // The page's list tells what is wrong; names are only missed.
    lookForNames(aborted.signal).catch(() => undefined);
    return () => aborted.abort();
  }, []);
}

/** Cameras that events told of and that are not registered. */
export function removedCameras(): string[] {
  const registered = new Set(cameras.value?.map(({ id }) => id));
  return seenCameras.value.filter((id) => !registered.has(id));
}

async function lookForNames(signal: AbortSignal): Promise<void> {
  const { events } = await listEvents({}, { pageSize: mostLooked }, signal);
  rememberNames(events);
  if (events.length < mostLooked) return;
  for (const days of daysCounted) {
    // The server counts no more events at once than some ten thousand.
    const found = await countEvents(everything, Date.now() - days * dayMs, ["camera", "zone"], signal).catch(
      () => undefined,
    );
    if (!found) continue;
    seenCameras.value = joined(
      seenCameras.peek(),
      found.counts.map(({ camera }) => camera ?? ""),
    );
    seenZones.value = joined(
      seenZones.peek(),
      found.counts.map(({ zone }) => zone ?? ""),
    );
    return;
  }
}

function joined(known: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = new Set(more.filter((name) => name !== "" && !known.includes(name)));
  return fresh.size === 0 ? known : [...known, ...fresh];
}
