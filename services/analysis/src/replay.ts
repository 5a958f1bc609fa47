import { type Event, type FrameDetections, streams, subjects, TimelineEntry } from "@sightline/contracts";
import { mostRecentFrames, type Nats, readUntil, type SetBacks } from "@sightline/service";
import type { Checkpoint } from "./checkpoint.ts";
import { TimelineError } from "./errors.ts";
import { TimelineState } from "./timeline-state.ts";
import { type EventOrigin, eventMessageId, messageIdHeader, originOf } from "./timeline-writer.ts";

/** An event that results from the timeline, and its place there. */
export interface FollowingEvent {
  event: Event;
  origin: EventOrigin;
}

/** The result of the timeline since a checkpoint. */
export interface Replayed {
  state: TimelineState;
  /** How far the stream of detections is taken into account, according to the newest entry. */
  detectionsSequence: number;
  events: FollowingEvent[];
  /** The newest frames. */
  recentFrames: FrameDetections[];
}

/** Message for a stream that does not contain what the analysis had stored in it. */
export function lostTail(stream: string): string {
  return `the stream ${stream} has lost its newest messages, which the analysis had stored`;
}

/**
 * Applies the entries since the checkpoint again.
 * @throws TimelineError checkpoint_foreign
 */
export async function replay(
  nats: Nats,
  camera: string,
  checkpoint: Checkpoint,
  end: number,
  signal: AbortSignal,
): Promise<Replayed> {
  const state = attempt(() => new TimelineState(camera, checkpoint.analysis.incarnation, checkpoint));
  let { detectionsSequence } = checkpoint;
  const events: FollowingEvent[] = [];
  const recentFrames: FrameDetections[] = [];
  const options = {
    from: { after: checkpoint.timelineSequence },
    until: end,
    subject: subjects.timeline(camera),
  };
  for await (const { seq: sequence, data } of readUntil(nats, streams.timeline, options, signal)) {
    const made = attempt(() => {
      const { entry, incarnation, ...rest } = TimelineEntry.decode(data);
      if (!entry || incarnation !== state.analysis.incarnation)
        throw new Error(`entry ${sequence} of the timeline belongs to another incarnation`);
      detectionsSequence = Math.max(detectionsSequence, rest.detectionsSequence);
      const followed = state.apply(entry);
      if (entry.$case === "frame" && recentFrames.push(entry.value) > mostRecentFrames) recentFrames.shift();
      return followed;
    });
    for (const [index, event] of made.entries()) events.push({ event, origin: { sequence, index } });
  }
  return { state, detectionsSequence, events, recentFrames };
}

/**
 * The origins of the events that were published since the checkpoint, in order.
 * @throws when NATS does not answer
 */
export async function publishedSince(
  nats: Nats,
  camera: string,
  { eventsSequence, timelineSequence, analysis }: Checkpoint,
  { eventsSequence: end, formerEvents }: { eventsSequence: number; formerEvents: string | undefined },
  signal: AbortSignal,
): Promise<EventOrigin[]> {
  // An event that was continued from an earlier analysis has an id of that analysis.
  const own = eventMessageId(camera, analysis.incarnation, "");
  const origins: EventOrigin[] = [];
  const after = formerEvents === undefined ? eventsSequence : 0;
  const options = { from: { after }, until: end, subject: subjects.event(camera, "*") };
  for await (const { headers } of readUntil(nats, streams.events, options, signal)) {
    const isOwn = headers?.get(messageIdHeader).startsWith(own);
    const origin = isOwn ? originOf(headers) : undefined;
    if (origin && origin.sequence > timelineSequence) origins.push(origin);
  }
  return origins;
}

/**
 * Checks that the published events are the first of those that result from the timeline. They are published in order, so
 * any difference means that one of the two streams has lost its newest messages. Returns how many are published.
 * @throws TimelineError checkpoint_foreign
 */
export function requireBeginning(
  published: EventOrigin[],
  following: FollowingEvent[],
  timelineEnd: number,
  setBacks: SetBacks,
): number {
  const agrees = published.every((origin, i) => isSame(origin, following[i]?.origin));
  if (agrees) return published.length;
  const beyond = published.some(({ sequence }) => sequence > timelineEnd);
  const stream = beyond || published.length > following.length ? streams.timeline : streams.events;
  setBacks.note(stream);
  throw new TimelineError("checkpoint_foreign", lostTail(stream));
}

/** Whether two messages about events come from the same place in the timeline. */
export function isSame(one: EventOrigin, other: EventOrigin | undefined): boolean {
  return one.sequence === other?.sequence && one.index === other.index;
}

function attempt<R>(task: () => R): R {
  try {
    return task();
  } catch (cause) {
    throw new TimelineError("checkpoint_foreign", (cause as Error).message, { cause });
  }
}
