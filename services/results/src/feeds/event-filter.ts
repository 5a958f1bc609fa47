import {
  type Event,
  type EventFilter as EventFilterMessage,
  EventPhase,
  EventType,
} from "@sightline/contracts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import type { FeedFilter } from "./feed-format.ts";
import { type CameraSet, filterKey, invalidArgument, readCameras, readNames } from "./filter-fields.ts";

/** Which events are wanted; a field that is undefined lets all pass. */
export interface EventFilter extends FeedFilter, CameraSet {
  types: ReadonlySet<EventType> | undefined;
  /** Class names; an event without a track has none. */
  classes: ReadonlySet<string> | undefined;
  zones: ReadonlySet<string> | undefined;
  rules: ReadonlySet<string> | undefined;
  phases: ReadonlySet<EventPhase> | undefined;
}

/** Checks a filter; none lets all of the scope's cameras pass. @throws ApiError invalid_argument */
export function readEventFilter(
  filter: EventFilterMessage | undefined,
  scope: CameraScope = allCameras,
): EventFilter {
  const cameras = readCameras(filter?.cameras ?? [], scope);
  const types = readEnums("types", filter?.types ?? [], EventType);
  const classes = readNames("classes", filter?.classes ?? []);
  const zones = readNames("zones", filter?.zones ?? []);
  const rules = readNames("rules", filter?.rules ?? []);
  const phases = readEnums("phases", filter?.phases ?? [], EventPhase);
  const key = filterKey(cameras.camerasKey, types, classes, zones, rules, phases);
  return { ...cameras, types, classes, zones, rules, phases, key };
}

/** Whether an event passes. */
export function passesFilter(filter: EventFilter, event: Event): boolean {
  return (!filter.phases || filter.phases.has(event.phase)) && passesIgnoringPhase(filter, event);
}

/** Whether an event passes but for its phase: what stays the same over its life. */
export function passesIgnoringPhase(filter: EventFilter, event: Event): boolean {
  const { types, classes, zones, rules } = filter;
  return (
    (!filter.cameras || filter.cameras.has(event.name.slice(0, event.name.indexOf("/events/")))) &&
    (!types || types.has(event.type)) &&
    (!classes || (event.track !== undefined && classes.has(event.track.className))) &&
    (!zones || zones.has(event.zone)) &&
    (!rules || rules.has(event.rule))
  );
}

function readEnums<E extends number>(
  field: string,
  values: readonly E[],
  known: Readonly<Record<string, string | number>>,
): ReadonlySet<E> | undefined {
  const allowed = new Set<unknown>(Object.values(known).filter((value) => Number(value) > 0));
  const odd = values.find((value) => !allowed.has(value));
  if (odd !== undefined) throw invalidArgument(`${field} has ${odd}, which is none that there is`);
  return values.length > 0 ? new Set(values) : undefined;
}
