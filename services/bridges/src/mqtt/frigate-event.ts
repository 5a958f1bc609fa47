import {
  type BoundingBox,
  type Event,
  EventPhase,
  type FrameReference,
  fromTimestamp,
  type HttpEvent,
  parseEventName,
  type Timestamp,
  type Track,
} from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";

/** Left, top, right, bottom in whole pixels of the camera's picture. */
type PixelBox = [number, number, number, number];

interface FrigateSnapshot {
  frame_time: number;
  box: PixelBox;
  area: number;
  region: PixelBox;
  score: number;
  attributes: never[];
}

/**
 * A tracked object as in Frigate's MQTT API; times are seconds since 1970. Fields that Sightline does not have are
 * constant.
 */
export interface FrigateObject {
  id: string;
  camera: string;
  frame_time: number;
  snapshot: FrigateSnapshot | null;
  label: string;
  sub_label: null;
  top_score: number;
  /** True only in what is published about an object before its first message. */
  false_positive: boolean;
  start_time: number;
  end_time: number | null;
  score: number;
  box: PixelBox;
  area: number;
  /** Width divided by height. */
  ratio: number;
  region: PixelBox;
  active: boolean;
  stationary: false;
  motionless_count: 0;
  position_changes: 0;
  attributes: Record<string, never>;
  current_attributes: never[];
  current_zones: string[];
  entered_zones: string[];
  thumbnail: null;
  has_snapshot: boolean;
  has_clip: boolean;
  pending_loitering: false;
  max_severity: null;
  current_estimated_speed: 0;
  average_estimated_speed: 0;
  velocity_angle: 0;
  path_data: never[];
  recognized_license_plate: null;
}

/** A message on `frigate/events`; `sightline` is Sightline's own event. */
export interface FrigateMessage {
  type: "new" | "update" | "end";
  before: FrigateObject;
  after: FrigateObject;
  sightline: HttpEvent & { name: string };
}

/**
 * The messages about an event: one; for a momentary event, its begin and its end; none when it is about no object.
 * @param former what the previous message said about the same event, if known
 */
export function frigateMessages(event: Event, former: FrigateObject | undefined): FrigateMessage[] {
  const after = toFrigateObject(event, former);
  if (!after) return [];
  const sightline = { name: event.name, ...toHttpEvent(event) };
  const begun = { ...after, end_time: null, active: true };
  const message = (type: FrigateMessage["type"], before: FrigateObject, now = after): FrigateMessage => ({
    type,
    before,
    after: now,
    sightline,
  });
  switch (event.phase) {
    case EventPhase.START:
      return [message("new", unknownYet(begun))];
    case EventPhase.ONCE:
      return [message("new", unknownYet(begun), begun), message("end", begun)];
    case EventPhase.END:
      return [message("end", former ?? begun)];
    default:
      return [message("update", former ?? begun)];
  }
}

/**
 * What Frigate sends as the state before the first message: from the difference, automations see that an object is new in a
 * zone.
 */
function unknownYet(object: FrigateObject): FrigateObject {
  const nothing = { snapshot: null, top_score: 0, current_zones: [], entered_zones: [], has_snapshot: false };
  return { ...object, ...nothing, false_positive: true };
}

function toFrigateObject(event: Event, former: FrigateObject | undefined): FrigateObject | undefined {
  const { camera } = parseEventName(event.name) ?? {};
  const { track, zone } = event;
  if (camera === undefined || !track) return undefined;
  const endTime = event.endTime && seconds(event.endTime);
  const box = toPixelBox(track.pixelBox);
  const zones = new Set([...(former?.entered_zones ?? []), ...(zone === "" ? [] : [zone]), ...track.zones]);
  return {
    id: eventIdOf(event.name),
    camera,
    frame_time: seconds(event.frame?.captureTime ?? event.updateTime),
    snapshot: toSnapshot(event, track, former?.snapshot ?? null),
    label: track.className,
    sub_label: null,
    top_score: rounded(track.bestScore),
    false_positive: false,
    start_time: seconds(event.startTime),
    end_time: endTime ?? null,
    score: rounded(track.score),
    box,
    area: areaOf(box),
    ratio: ratioOf(box),
    region: pictureOf(track),
    active: endTime === undefined,
    stationary: false,
    motionless_count: 0,
    position_changes: 0,
    attributes: {},
    current_attributes: [],
    current_zones: [...track.zones],
    entered_zones: [...zones],
    thumbnail: null,
    has_snapshot: event.snapshotFrame !== undefined,
    has_clip: event.hasClip,
    pending_loitering: false,
    max_severity: null,
    current_estimated_speed: 0,
    average_estimated_speed: 0,
    velocity_angle: 0,
    path_data: [],
    recognized_license_plate: null,
  };
}

/** The box in the best picture is known if its frame is the current one or that of an earlier message. */
function toSnapshot(
  { snapshotFrame, frame }: Event,
  track: Track,
  former: FrigateSnapshot | null,
): FrigateSnapshot | null {
  if (!snapshotFrame) return null;
  const frame_time = seconds(snapshotFrame.captureTime);
  if (former?.frame_time === frame_time && !isSameFrame(snapshotFrame, frame)) return former;
  const box = toPixelBox(track.pixelBox);
  return {
    frame_time,
    box,
    area: areaOf(box),
    region: pictureOf(track),
    score: rounded(track.score),
    attributes: [],
  };
}

function isSameFrame(one: FrameReference, other: FrameReference | undefined): boolean {
  return one.epoch === other?.epoch && one.number === other.number;
}

/** The whole picture; its size is calculated from a box in pixels and in fractions of the picture. */
function pictureOf({ pixelBox, normalizedBox }: Track): PixelBox {
  if (!pixelBox || !normalizedBox) return toPixelBox(pixelBox);
  const width = (pixelBox.xMax - pixelBox.xMin) / (normalizedBox.xMax - normalizedBox.xMin);
  const height = (pixelBox.yMax - pixelBox.yMin) / (normalizedBox.yMax - normalizedBox.yMin);
  if (!(width > 0 && height > 0 && Number.isFinite(width + height))) return toPixelBox(pixelBox);
  return [0, 0, Math.round(width), Math.round(height)];
}

function toPixelBox(box: BoundingBox | undefined): PixelBox {
  const { xMin = 0, yMin = 0, xMax = 0, yMax = 0 } = box ?? {};
  return [Math.round(xMin), Math.round(yMin), Math.round(xMax), Math.round(yMax)];
}

function areaOf([left, top, right, bottom]: PixelBox): number {
  return (right - left) * (bottom - top);
}

function ratioOf([left, top, right, bottom]: PixelBox): number {
  return bottom > top ? rounded((right - left) / (bottom - top)) : 0;
}

/** Id of an event for Frigate; Sightline's id is unique only within the camera. Empty when the name is not an event's. */
export function eventIdOf(name: string): string {
  const { camera, id } = parseEventName(name) ?? {};
  return camera === undefined ? "" : `${camera}.${id}`;
}

/** Seconds since 1970, with fractions. */
export function seconds(time: Timestamp | undefined): number {
  return time ? Math.round(fromTimestamp(time) * 1000) / 1e6 : 0;
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
