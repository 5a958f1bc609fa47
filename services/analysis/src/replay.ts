import { type Event, type FrameDetections, streams, subjects, TimelineEntry } from "@sightline/contracts";
import { mostRecentFrames, type Nats, type SetBacks, StreamRead } from "@sightline/service";
import type { Checkpoint } from "./checkpoint.ts";
import { TimelineState } from "./timeline-state.ts";
import { type EventOrigin, eventMessageId, messageIdHeader, originOf } from "./timeline-writer.ts";

/** A checkpoint does not fit the streams. */
export class ForeignCheckpointError extends Error {}

/** An event that follows from the timeline, and from where of it. */
export interface FollowingEvent {
  event: Event;
  origin: EventOrigin;
}

/** What the timeline comes to since a checkpoint. */
export interface Replayed {
  state: TimelineState;
  /** What the newest entry says of how far the stream of detections is taken into account. */
  detectionsSequence: number;
  events: FollowingEvent[];
  /** The newest of the frames. */
  recentFrames: FrameDetections[];
}

/** That a stream is not what the analysis had stored in it. */
export function lostTail(stream: string): string {
  return `the stream ${stream} has lost its newest messages, which the analysis had stored`;
}

/** Takes the entries since the checkpoint once more. @throws ForeignCheckpointError */
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
  let read = checkpoint.timelineSequence;
  if (read < end)
    for await (const message of await StreamRead.open(
      nats.jetstream,
      streams.timeline,
      { from: { after: read }, subject: subjects.timeline(camera) },
      signal,
    )) {
      read = message.seq;
      const made = attempt(() => {
        const { entry, incarnation, ...rest } = TimelineEntry.decode(message.data);
        if (!entry || incarnation !== state.analysis.incarnation)
          throw new Error(`entry ${read} of the timeline belongs to another incarnation`);
        detectionsSequence = Math.max(detectionsSequence, rest.detectionsSequence);
        const followed = state.apply(entry);
        if (entry.$case === "frame" && recentFrames.push(entry.value) > mostRecentFrames)
          recentFrames.shift();
        return followed;
      });
      for (const [index, event] of made.entries()) events.push({ event, origin: { sequence: read, index } });
      if (read >= end) break;
    }
  signal.throwIfAborted();
  if (read < end) throw new Error("the timeline could not be read to its end");
  return { state, detectionsSequence, events, recentFrames };
}

/** Where the events come from that were published since the checkpoint, in order. @throws when NATS does not answer */
export async function publishedSince(
  nats: Nats,
  camera: string,
  { eventsSequence, timelineSequence, analysis }: Checkpoint,
  { eventsSequence: end, formerEvents }: { eventsSequence: number; formerEvents: string | undefined },
  signal: AbortSignal,
): Promise<EventOrigin[]> {
  // An event that goes on from an analysis before this one has an id of that.
  const own = eventMessageId(camera, analysis.incarnation, "");
  const origins: EventOrigin[] = [];
  let read = formerEvents === undefined ? eventsSequence : 0;
  if (read >= end) return origins;
  for await (const message of await StreamRead.open(
    nats.jetstream,
    streams.events,
    { from: { after: read }, subject: subjects.event(camera, "*") },
    signal,
  )) {
    read = message.seq;
    const isOwn = message.headers?.get(messageIdHeader).startsWith(own);
    const origin = isOwn ? originOf(message.headers) : undefined;
    if (origin && origin.sequence > timelineSequence) origins.push(origin);
    if (read >= end) break;
  }
  signal.throwIfAborted();
  if (read < end) throw new Error("the camera's events could not be read to their end");
  return origins;
}

/**
 * Checks that what is published is the beginning of what follows from the timeline: they are published in order, so any
 * other is what is left after one of the two streams has lost its newest messages. Returns how many are.
 * @throws ForeignCheckpointError
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
  throw new ForeignCheckpointError(lostTail(stream));
}

/** Whether two messages about events come from the same place of the timeline. */
export function isSame(one: EventOrigin, other: EventOrigin | undefined): boolean {
  return one.sequence === other?.sequence && one.index === other.index;
}

function attempt<R>(task: () => R): R {
  try {
    return task();
  } catch (cause) {
    throw new ForeignCheckpointError((cause as Error).message, { cause });
  }
}
