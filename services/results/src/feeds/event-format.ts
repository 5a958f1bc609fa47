import {
  type AttributeCondition,
  Event,
  EventPhase,
  EventType,
  parseEventName,
  streams,
  subjects,
} from "@sightline/contracts";
import { type EventFilter as EventFilterMessage, SubscribeEventsResponse } from "@sightline/contracts/api";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import type { FeedFilter, FeedFormat } from "./feed-format.ts";
import { type CameraSet, filterKey, invalidArgument, readCameras, readNames } from "./filter-fields.ts";

/** The wanted events; an undefined field matches all. */
export interface EventFeedFilter extends FeedFilter, CameraSet {
  types: ReadonlySet<EventType> | undefined;
  /** Class names; an event without a track has none. */
  classes: ReadonlySet<string> | undefined;
  zones: ReadonlySet<string> | undefined;
  rules: ReadonlySet<string> | undefined;
  phases: ReadonlySet<EventPhase> | undefined;
  /** The event's object must match all of these; allowed values by attribute. */
  attributes: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Checks a filter; without one, all cameras of the scope pass. @throws ApiError invalid_argument */
export function readEventFilter(
  filter: EventFilterMessage | undefined,
  scope: CameraScope = allCameras,
): EventFeedFilter {
  const cameras = readCameras(filter?.cameras ?? [], scope);
  const types = readEnums("types", filter?.types ?? [], EventType);
  const classes = readNames("classes", filter?.classes ?? []);
  const zones = readNames("zones", filter?.zones ?? []);
  const rules = readNames("rules", filter?.rules ?? []);
  const phases = readEnums("phases", filter?.phases ?? [], EventPhase);
  const attributes = readAttributes(filter?.attributes ?? []);
  const key = filterKey(cameras.camerasKey, types, classes, zones, rules, phases, [...attributes]);
  return { ...cameras, types, classes, zones, rules, phases, attributes, key };
}

/** Whether an event passes. */
export function passesFilter(filter: EventFeedFilter, event: Event): boolean {
  return (
    (!filter.phases || filter.phases.has(event.phase)) &&
    hasAttributes(filter, event) &&
    passesIgnoringPhase(filter, event)
  );
}

/** An attribute may become known during an event. */
function hasAttributes({ attributes }: EventFeedFilter, { track }: Event): boolean {
  return [...attributes].every(([name, values]) =>
    track?.attributes.some((known) => known.name === name && values.has(known.value)),
  );
}

/** Whether an event passes the filter without its phases and attributes, that is by what never changes in an event. */
export function passesIgnoringPhase(filter: EventFeedFilter, event: Event): boolean {
  const { types, classes, zones, rules } = filter;
  return (
    (!filter.cameras || filter.cameras.has(event.name.slice(0, event.name.indexOf("/events/")))) &&
    (!types || types.has(event.type)) &&
    (!classes || (event.track !== undefined && classes.has(event.track.className))) &&
    (!zones || zones.has(event.zone)) &&
    (!rules || rules.has(event.rule))
  );
}

function readAttributes(conditions: readonly AttributeCondition[]): ReadonlyMap<string, ReadonlySet<string>> {
  readNames(
    "attributes",
    conditions.map(({ name }) => name),
  );
  const read = new Map<string, ReadonlySet<string>>();
  for (const { name, values } of conditions) {
    const field = `attributes.${name.slice(0, 64)}`;
    if (read.has(name)) throw invalidArgument(`${field} is there twice; name all its values at once`);
    const wanted = readNames(field, values);
    if (!wanted) throw invalidArgument(`${field} has no values; name at least one`);
    read.set(name, wanted);
  }
  return read;
}

function readEnums<E extends number>(
  field: string,
  values: readonly E[],
  known: Readonly<Record<string, string | number>>,
): ReadonlySet<E> | undefined {
  const allowed = new Set<unknown>(Object.values(known).filter((value) => Number(value) > 0));
  const odd = values.find((value) => !allowed.has(value));
  if (odd !== undefined) throw invalidArgument(`${field} has ${odd}, which does not exist`);
  return values.length > 0 ? new Set(values) : undefined;
}

/** Messages about events. */
export const eventFormat: FeedFormat<Event, EventFeedFilter> = {
  kind: "events",
  stream: streams.events,
  subjectOf: (camera) => subjects.event(camera, "*"),
  decode: decodeEvent,
  select: (filter, event) => (passesFilter(filter, event) ? "all" : undefined),
  encode(value, _selection, cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "happened", value }, cursor }).finish();
  },
  encodeGap(value, cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "gap", value }, cursor }).finish();
  },
  encodeProgress(cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "progress", value: {} }, cursor }).finish();
  },
};

/** An event from its message in the stream. @throws when it is not an event, or belongs to another subject */
export function decodeEvent(subject: string, data: Uint8Array): Event {
  const event = Event.decode(data);
  const name = parseEventName(event.name);
  if (!name || subject !== subjects.event(name.camera, name.id))
    throw new Error("the event is not of its subject");
  return event;
}
