import { signal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { countEvents, listEvents } from "../api/calls.ts";
import { cameraPath, eventsPath } from "../routing/route.ts";
import { cameras } from "../state/cameras.ts";
import { system } from "../state/system.ts";

/** So many of the newest events are looked at, and those of so many days counted. */
const mostLooked = 500;
const daysCounted = [30, 1] as const;
const everything = { camera: "", type: "", class: "", zone: "" };
const dayMs = 24 * 3_600_000;

/**
 * What events told of since the console was opened: cameras and zones may be removed by now; cameras of sites, and what their models know,
 * are nowhere else.
 */
export const seenCameras = signal<readonly string[]>([]);
export const seenZones = signal<readonly string[]>([]);
export const seenClasses = signal<readonly string[]>([]);
/** As `name=value`. */
export const seenAttributes = signal<readonly string[]>([]);

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
  seenClasses.value = joined(
    seenClasses.peek(),
    events.map(({ track }) => track?.className ?? ""),
  );
  seenAttributes.value = joined(
    seenAttributes.peek(),
    events.flatMap(({ track }) =>
      Object.entries(track?.attributes ?? {}).map(([name, { value }]) => `${name}=${value}`),
    ),
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

/** Cameras that events told of and that are not registered here: they were removed, or are of a site. */
export function unregisteredCameras(): string[] {
  return seenCameras.value.filter(isUnregistered);
}

/** The site that a camera is of, whose events alone are here; undefined when it is of none. */
export function siteOf(id: string): string | undefined {
  if (!isUnregistered(id)) return undefined;
  return system.value?.sites.find(({ name }) => id.startsWith(`${name}-`))?.name;
}

/** A camera's page; of one that is not registered here, its events. */
export function pathOfCamera(id: string): string {
  return isUnregistered(id) ? eventsPath(new URLSearchParams({ camera: id })) : cameraPath(id);
}

function isUnregistered(id: string): boolean {
  return cameras.value?.every((state) => state.id !== id) ?? false;
}

async function lookForNames(signal: AbortSignal): Promise<void> {
  const { events } = await listEvents({}, { pageSize: mostLooked }, signal);
  rememberNames(events);
  if (events.length < mostLooked) return;
  for (const days of daysCounted) {
    // The server counts no more events at once than some ten thousand.
    const found = await countEvents(
      everything,
      Date.now() - days * dayMs,
      ["camera", "zone", "class"],
      signal,
    ).catch(() => undefined);
    if (!found) continue;
    seenCameras.value = joined(
      seenCameras.peek(),
      found.counts.map(({ camera }) => camera ?? ""),
    );
    seenZones.value = joined(
      seenZones.peek(),
      found.counts.map(({ zone }) => zone ?? ""),
    );
    seenClasses.value = joined(
      seenClasses.peek(),
      found.counts.map((count) => count.class ?? ""),
    );
    return;
  }
}

function joined(known: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = new Set(more.filter((name) => name !== "" && !known.includes(name)));
  return fresh.size === 0 ? known : [...known, ...fresh];
}
