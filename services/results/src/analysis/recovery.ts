import type { StreamInfo } from "@nats-io/jetstream";
import { type Event, streams, subjects, TimelineEntry } from "@sightline/contracts";
import { type Buckets, type Logger, type Nats, streamMaking } from "@sightline/service";
import { type Checkpoint, decodeCheckpoint } from "./checkpoint.ts";
import { readSubject } from "./read-subject.ts";
import { TimelineState } from "./timeline-state.ts";
import { type EventOrigin, originOf } from "./timeline-writer.ts";

/** Where the analysis of a camera stands, as found in NATS. */
export interface Recovered {
  state: TimelineState;
  /** Whether there was no state to go on from. */
  fresh: boolean;
  /** Sequence of the camera's last entry in the timeline. */
  timelineSequence: number;
  timelineMaking: string;
  detectionsMaking: string;
  /** All of the camera's messages in the stream of detections up to here are taken into account. */
  detectionsSequence: number;
  /** None of the camera's messages up to here was missed, or it is not known, or those that were are told. */
  detectionsComplete: number;
  /** The camera's last message in the stream of detections. */
  detectionsEnd: number;
  /** When that was stored, in milliseconds; 0 when there is none. */
  detectionsEndTime: number;
  /** Events that follow from the timeline and are not published yet. */
  events: { event: Event; origin: EventOrigin }[];
  /** Those since the checkpoint that are. */
  publishedEvents: Event[];
}

/** A checkpoint does not fit the timeline. */
class ForeignCheckpointError extends Error {}

/**
 * Finds out where the analysis of a camera stands: the last checkpoint, and what the timeline says since. Nothing may be
 * written to the camera's timeline meanwhile. @throws when NATS does not answer
 */
export async function recover(
  nats: Nats,
  buckets: Buckets,
  camera: string,
  signal: AbortSignal,
  log: Logger,
): Promise<Recovered> {
  const { manager } = nats;
  const timeline = await manager.streams.info(streams.timeline);
  const detections = await manager.streams.info(streams.detections);
  const last = await manager.streams.getMessage(streams.timeline, {
    last_by_subj: subjects.timeline(camera),
  });
  const lastRaw = await manager.streams.getMessage(streams.detections, {
    last_by_subj: subjects.detections(camera),
  });
  const stored = await buckets.analysisState.get(camera);
  const found = {
    timelineSequence: last?.seq ?? 0,
    timelineMaking: streamMaking(timeline),
    detectionsMaking: streamMaking(detections),
    detectionsEnd: lastRaw?.seq ?? 0,
    detectionsEndTime: lastRaw?.time.getTime() ?? 0,
  };
  // A server that lost its newest messages in a crash counts from an earlier one.
  const within = (sequence: number) => Math.min(sequence, detections.state.last_seq);
  // Of an analysis that begins here nobody can have expected what is gone already.
  const beginning = Math.max(0, detections.state.first_seq - 1);
  const checkpoint = stored?.operation === "PUT" ? decodeCheckpoint(stored.value) : undefined;
  if (checkpoint && fits(checkpoint, timeline))
    try {
      const replayed = await replay(nats, camera, checkpoint, found.timelineSequence, signal);
      const events = await unpublished(nats, camera, replayed.state, replayed.events);
      const known = checkpoint.detectionsMaking === found.detectionsMaking;
      return {
        ...found,
        ...replayed,
        fresh: false,
        detectionsSequence: known ? within(replayed.detectionsSequence) : 0,
        detectionsComplete: known
          ? within(Math.max(replayed.detectionsSequence, checkpoint.detectionsComplete ?? 0))
          : beginning,
        events,
        publishedEvents: replayed.events.slice(0, -events.length || undefined).map(({ event }) => event),
      };
    } catch (error) {
      if (!(error instanceof ForeignCheckpointError)) throw error;
      log.error({ error: error.message }, "the analysis cannot go on from its checkpoint; it begins anew");
    }
  else if (stored?.operation === "PUT")
    log.error("the checkpoint of the analysis is of another stream or version; the analysis begins anew");
  const detectionsSequence = within(last ? TimelineEntry.decode(last.data).detectionsSequence : 0);
  return {
    ...found,
    state: new TimelineState(camera, Date.now().toString(36)),
    fresh: true,
    detectionsSequence,
    detectionsComplete: Math.max(detectionsSequence, beginning),
    events: [],
    publishedEvents: [],
  };
}

function fits(checkpoint: Checkpoint, timeline: StreamInfo): boolean {
  return (
    checkpoint.timelineMaking === streamMaking(timeline) &&
    checkpoint.timelineSequence <= timeline.state.last_seq
  );
}

/** Takes the entries since the checkpoint once more. @throws ForeignCheckpointError */
async function replay(
  nats: Nats,
  camera: string,
  checkpoint: Checkpoint,
  end: number,
  signal: AbortSignal,
): Promise<{ state: TimelineState; detectionsSequence: number; events: Recovered["events"] }> {
  const state = attempt(() => new TimelineState(camera, checkpoint.analysis.incarnation, checkpoint));
  let { detectionsSequence } = checkpoint;
  const events: Recovered["events"] = [];
  let read = checkpoint.timelineSequence;
  if (read < end)
    for await (const message of readSubject(
      nats,
      streams.timeline,
      subjects.timeline(camera),
      read,
      signal,
    )) {
      read = message.seq;
      const made = attempt(() => {
        const { entry, incarnation, ...rest } = TimelineEntry.decode(message.data);
        if (!entry || incarnation !== state.analysis.incarnation)
          throw new Error(`entry ${read} of the timeline is of another incarnation`);
        detectionsSequence = Math.max(detectionsSequence, rest.detectionsSequence);
        return state.apply(entry);
      });
      for (const [index, event] of made.entries()) events.push({ event, origin: { sequence: read, index } });
      if (read >= end) break;
    }
  signal.throwIfAborted();
  if (read < end) throw new Error("the timeline could not be read to its end");
  return { state, detectionsSequence, events };
}

/** Leaves out events up to the last one in the stream, since they are published in order. */
async function unpublished(
  nats: Nats,
  camera: string,
  state: TimelineState,
  events: Recovered["events"],
): Promise<Recovered["events"]> {
  if (events.length === 0) return events;
  const subject = subjects.event(camera, "*");
  const last = await nats.manager.streams.getMessage(streams.events, { last_by_subj: subject });
  // Sequences of another incarnation may be of another stream.
  const own = last?.subject.startsWith(subjects.event(camera, `${state.analysis.incarnation}-`));
  const published = own ? originOf(last?.header) : undefined;
  if (!published) return events;
  return events.filter(
    ({ origin }) =>
      origin.sequence > published.sequence ||
      (origin.sequence === published.sequence && origin.index > published.index),
  );
}

function attempt<R>(task: () => R): R {
  try {
    return task();
  } catch (cause) {
    throw new ForeignCheckpointError((cause as Error).message, { cause });
  }
}
