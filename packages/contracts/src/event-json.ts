import type { Attribute } from "./gen/sightline/v1/attribute.ts";
import {
  CrossingDirection,
  EndReason,
  type Event,
  EventPhase,
  type EventReview,
  EventType,
  type Track,
} from "./gen/sightline/v1/event.ts";
import { CountBy, type EventCount } from "./gen/sightline/v1/event_service.ts";
import type { BoundingBox } from "./gen/sightline/v1/geometry.ts";
import type { HttpAttributes, HttpEvent, HttpEventCount, HttpReview } from "./http-events.ts";
import { enumName, toIso } from "./proto-values.ts";
import { cameraIdOf, parseEventName } from "./resource-names.ts";

/** An event as JSON shows it: over HTTP, in exports, in webhooks and on the command line. */
export function toHttpEvent(event: Event): HttpEvent {
  const { camera, id } = parseEventName(event.name) ?? { camera: "", id: "" };
  return {
    camera,
    id,
    type: enumName(EventType, event.type),
    phase: phaseNames[event.phase] ?? "start",
    revision: event.revision,
    rule: event.rule,
    zone: event.zone,
    line: event.line,
    direction: enumName(CrossingDirection, event.direction),
    track: event.track ? toHttpTrack(event.track) : null,
    count: event.count,
    startTime: toIso(event.startTime) ?? "",
    updateTime: toIso(event.updateTime) ?? "",
    endTime: toIso(event.endTime),
    endReason: enumName(EndReason, event.endReason),
    hasSnapshot: event.snapshotFrame !== undefined,
    hasClip: event.hasClip,
    snapshotScore: event.snapshotScore > 0 ? shorten(event.snapshotScore) : null,
    message: event.message,
    ...(event.review && { review: toHttpReview(event.review) }),
  };
}

/** A count as JSON shows it, with the fields that it was grouped by. */
export function toHttpEventCount(count: EventCount, by: readonly CountBy[]): HttpEventCount {
  const fields: Record<Exclude<CountBy, 0>, Partial<HttpEventCount>> = {
    [CountBy.HOUR]: { hour: toIso(count.hour) ?? "" },
    [CountBy.CAMERA]: { camera: cameraIdOf(count.camera) ?? "" },
    [CountBy.CLASS]: { class: count.className },
    [CountBy.TYPE]: { type: enumName(EventType, count.type) },
    [CountBy.RULE]: { rule: count.rule },
    [CountBy.ZONE]: { zone: count.zone },
    [CountBy.LINE]: { line: count.line },
    [CountBy.DIRECTION]: { direction: enumName(CrossingDirection, count.direction) },
  };
  const asked = by.map((each) => (each === CountBy.UNSPECIFIED ? {} : fields[each]));
  return Object.assign({ events: count.events, seconds: Number(count.seconds.toFixed(3)) }, ...asked);
}

export function toHttpReview({ user, time }: EventReview): HttpReview {
  return { user, time: toIso(time) ?? "" };
}

/** A box as four numbers: left, top, right, bottom. */
export function toHttpBox(box: BoundingBox | undefined): [number, number, number, number] {
  const { xMin = 0, yMin = 0, xMax = 0, yMax = 0 } = box ?? {};
  return [shorten(xMin), shorten(yMin), shorten(xMax), shorten(yMax)];
}

/** A 32-bit float without digits beyond its precision: 0.4000000059604645 becomes 0.4. */
export function shorten(float: number): number {
  return Number(float.toPrecision(7));
}

const phaseNames: Readonly<Record<number, HttpEvent["phase"]>> = {
  [EventPhase.START]: "start",
  [EventPhase.UPDATE]: "update",
  [EventPhase.END]: "end",
  [EventPhase.ONCE]: "once",
};

function toHttpTrack(track: Track): NonNullable<HttpEvent["track"]> {
  return {
    id: track.id,
    className: track.className,
    score: shorten(track.score),
    bestScore: shorten(track.bestScore),
    box: toHttpBox(track.normalizedBox),
    zones: track.zones,
    ...(track.attributes.length > 0 && { attributes: toHttpAttributes(track.attributes) }),
  };
}

/** Attributes as JSON shows them: `{"colour": {"value": "red", "score": 0.93}}`. */
export function toHttpAttributes(attributes: readonly Attribute[]): HttpAttributes {
  return Object.fromEntries(
    attributes.map(({ name, value, score }) => [name, { value, score: shorten(score) }]),
  );
}
