import { signal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { countEvents, listEvents } from "../api/calls.ts";
import { cameraPath, eventsPath } from "../routing/route.ts";
import { cameras } from "../state/cameras.ts";
import { system } from "../state/system.ts";

/** Names are taken from this many of the newest events, and from the counts of this many days. */
const mostLooked = 500;
const daysCounted = [30, 1] as const;
const everything = { camera: "", type: "", class: "", zone: "" };
const dayMs = 24 * 3_600_000;

/**
 * Names seen in events since the console was opened: cameras and zones may have been removed since; cameras of sites, and the attributes
 * of their models, are listed nowhere else.
 */
export const seenCameras = signal<readonly string[]>([]);
export const seenZones = signal<readonly string[]>([]);
export const seenClasses = signal<readonly string[]>([]);
/** In the form `name=value`. */
export const seenAttributes = signal<readonly string[]>([]);

/** Remembers the names in events, so that users can search for them. */
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

/** Looks for the names of removed cameras and zones when a page opens that offers them. */
export function useSeenNames(): void {
  useEffect(() => {
    const aborted = new AbortController();
    // The page's list reports the error; here only names are missing.
    lookForNames(aborted.signal).catch(() => undefined);
    return () => aborted.abort();
  }, []);
}

/** Cameras with events that are not registered here: they were removed, or belong to a site. */
export function unregisteredCameras(): string[] {
  return seenCameras.value.filter(isUnregistered);
}

/** The site of a camera that has only its events here; undefined for other cameras. */
export function siteOf(id: string): string | undefined {
  if (!isUnregistered(id)) return undefined;
  return system.value?.sites.find(({ name }) => id.startsWith(`${name}-`))?.name;
}

/** Path of a camera's page; for a camera that is not registered here, path of its events. */
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
    // The server counts only some ten thousand events at once.
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
