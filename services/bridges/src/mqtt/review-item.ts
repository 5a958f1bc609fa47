import { isDeepStrictEqual } from "node:util";
import {
  EndReason,
  type Event,
  EventPhase,
  EventType,
  parseEventName,
  type Track,
} from "@sightline/contracts";
import { z } from "zod";
import { eventIdOf, seconds } from "./frigate-event.ts";

/** Most events listed in an item. In an item that does not end, finished events that began first are left out. */
const mostDetections = 100;
/** More than the number of messages that can come a second time: those that a bridge may have in progress. */
const mostOver = 128;

const severitySchema = z.enum(["alert", "detection"]);

const reviewSchema = z.object({
  id: z.string(),
  camera: z.string(),
  start_time: z.number(),
  end_time: z.number().nullable(),
  severity: severitySchema,
  thumb_path: z.string(),
  data: z.object({
    /** Ids of events, as on `frigate/events`. */
    detections: z.array(z.string()),
    objects: z.array(z.string()),
    sub_labels: z.array(z.never()),
    zones: z.array(z.string()),
    audio: z.array(z.never()),
  }),
});

const stateSchema = z.object({
  /** Number of changes. */
  version: z.int().min(0),
  item: z
    .object({
      review: reviewSchema,
      /** Ids of its open events; a stored item has at least one. */
      open: z.array(z.string()),
      /** Objects whose events have a duration. */
      tracks: z.array(z.string()),
      /** The latest end of its finished events, seconds since 1970. */
      until: z.number(),
    })
    .nullable(),
  /** Ids of finished events, the newest last: when they come again, they begin nothing. */
  over: z.array(z.string()),
  /** Objects of the item that ended last: their leaving belongs to it but comes after its end. */
  lastTracks: z.array(z.string()),
});

/** A review item as in Frigate's MQTT API; times are seconds since 1970. */
export type FrigateReview = z.infer<typeof reviewSchema>;

/** What must be known about a camera to publish its review items; never modified, only replaced. */
export type ReviewState = z.infer<typeof stateSchema>;

type Item = NonNullable<ReviewState["item"]>;

/** A message on `frigate/reviews`. */
export interface ReviewMessage {
  type: "new" | "update" | "end";
  before: FrigateReview;
  after: FrigateReview;
}

/** The result of an event: the next state (the same object if nothing changes), and the messages to publish. */
export interface ReviewStep {
  state: ReviewState;
  messages: ReviewMessage[];
}

/** The state of a camera for which nothing was published. */
export const noReviews: ReviewState = { version: 0, item: null, over: [], lastTracks: [] };

/** Types of events for which somebody has set up a place or a time: they are alerts, whatever the object is. */
const alerting: ReadonlySet<EventType> = new Set([
  EventType.ENTERED_ZONE,
  EventType.LEFT_ZONE,
  EventType.CROSSED_LINE,
  EventType.DWELLED,
]);

/** Reads a stored state; undefined when it is not one. */
export function readReviewState(payload: Uint8Array): ReviewState | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(Buffer.from(payload).toString())).data;
  } catch {
    return undefined;
  }
}

/**
 * Applies an event of a camera; events may come more than once. Objects of the classes in `alertClasses` are alerts
 * everywhere.
 */
export function follow(state: ReviewState, event: Event, alertClasses: ReadonlySet<string>): ReviewStep {
  const { camera } = parseEventName(event.name) ?? {};
  const { track, phase } = event;
  const id = eventIdOf(event.name);
  if (camera === undefined || !track || state.over.includes(id)) return { state, messages: [] };
  if (!state.item?.open.includes(id) && isOfThePast(state, event, track)) return { state, messages: [] };
  const begun = state.item ?? begin(event, camera, id);
  const item = grown(begun, event, track, id, alertClasses);
  const messages: ReviewMessage[] = [];
  if (!state.item) messages.push({ type: "new", before: item.review, after: item.review });
  if (phase !== EventPhase.END && phase !== EventPhase.ONCE) {
    if (isDeepStrictEqual(item, state.item)) return { state, messages: [] };
    if (state.item) messages.push(...update(state.item, item));
    return { state: { ...state, version: state.version + 1, item }, messages };
  }
  const until = Math.max(item.until, seconds(event.endTime ?? event.updateTime));
  const step = withoutEvents(state, { ...item, until }, [id]);
  const [end] = step.messages;
  if (end) messages.push({ ...end, before: state.item?.review ?? item.review });
  else if (state.item) messages.push(...update(state.item, item));
  return { state: step.state, messages };
}

/** Treats events as finished whose end will not come, at the time `now` in seconds since 1970. */
export function giveUp(state: ReviewState, isGone: (id: string) => boolean, now: number): ReviewStep {
  const gone = state.item?.open.filter(isGone) ?? [];
  if (!state.item || gone.length === 0) return { state, messages: [] };
  const until = Math.max(state.item.until, now);
  return withoutEvents(state, { ...state.item, until }, gone);
}

/** Whether an unknown event belongs to something that was already published. */
function isOfThePast(state: ReviewState, event: Event, { id }: Track): boolean {
  // When a camera is removed, its state is removed too; the item ended then.
  if (event.phase === EventPhase.END && event.endReason === EndReason.CAMERA_REMOVED) return true;
  const leaving = event.type === EventType.LEFT || event.type === EventType.LEFT_ZONE;
  return leaving && !state.item && state.lastTracks.includes(id);
}

function begin(event: Event, camera: string, id: string): Item {
  const start = seconds(event.startTime);
  const data = { detections: [], objects: [], sub_labels: [], zones: [], audio: [] };
  const review: FrigateReview = {
    id,
    camera,
    start_time: start,
    end_time: null,
    severity: "detection",
    thumb_path: `/api/v1/events/${id.replace(".", "/")}/snapshot`,
    data,
  };
  return { review, open: [], tracks: [], until: start };
}

/** The item with what the event adds to it. */
function grown(item: Item, event: Event, track: Track, id: string, alertClasses: ReadonlySet<string>): Item {
  const { review } = item;
  const lasts = event.phase !== EventPhase.ONCE;
  const open = lasts ? withAll(item.open, id) : item.open;
  const isAlert = alerting.has(event.type) || alertClasses.has(track.className);
  return {
    review: {
      ...review,
      severity: isAlert ? "alert" : review.severity,
      data: {
        ...review.data,
        detections: bounded(withAll(review.data.detections, id), open),
        objects: withAll(review.data.objects, track.className),
        zones: withAll(review.data.zones, ...(event.zone === "" ? [] : [event.zone]), ...track.zones),
      },
    },
    open,
    tracks: lasts ? withAll(item.tracks, track.id).slice(-mostDetections) : item.tracks,
    until: item.until,
  };
}

/** The state after these events of the item are finished; when the last one is, so is the item. */
function withoutEvents(state: ReviewState, item: Item, ids: readonly string[]): ReviewStep {
  const open = item.open.filter((id) => !ids.includes(id));
  const over = [...state.over, ...ids].slice(-mostOver);
  const version = state.version + 1;
  if (open.length > 0) return { state: { ...state, version, over, item: { ...item, open } }, messages: [] };
  const after = { ...item.review, end_time: item.until };
  return {
    state: { version, over, item: null, lastTracks: item.tracks },
    messages: [{ type: "end", before: item.review, after }],
  };
}

function update(former: Item, item: Item): ReviewMessage[] {
  if (isDeepStrictEqual(former.review, item.review)) return [];
  return [{ type: "update", before: former.review, after: item.review }];
}

function withAll(list: readonly string[], ...more: string[]): string[] {
  return [...new Set([...list, ...more])];
}

function bounded(detections: readonly string[], open: readonly string[]): string[] {
  const spare = Math.max(0, detections.length - mostDetections);
  // The event that was added last is kept, whether it is open or not.
  const over = detections.slice(0, -1).filter((id) => !open.includes(id));
  const out = new Set(over.slice(0, spare));
  return detections.filter((id) => !out.has(id));
}
