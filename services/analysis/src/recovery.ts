import type { StreamInfo } from "@nats-io/jetstream";
import { type Event, type FrameDetections, streams, subjects, TimelineEntry } from "@sightline/contracts";
import {
  findLoss,
  type Logger,
  lastAside,
  type Nats,
  nanosOf,
  placeBefore,
  type StreamPlace,
  StreamRead,
  streamMaking,
  unknownTime,
} from "@sightline/service";
import type { AnalysisBuckets } from "./analysis-context.ts";
import { type Checkpoint, decodeCheckpoint } from "./checkpoint.ts";
import {
  type FollowingEvent,
  ForeignCheckpointError,
  isSame,
  lostTail,
  publishedSince,
  replay,
  requireBeginning,
} from "./replay.ts";
import { TimelineState } from "./timeline-state.ts";
import { detectionsBefore } from "./timeline-writer.ts";

/** Where the analysis of a camera stands, as found in NATS. */
export interface Recovered {
  state: TimelineState;
  /** Whether there was no state to go on from. */
  fresh: boolean;
  /** Sequence of the camera's last entry in the timeline. */
  timelineSequence: number;
  timelineMaking: string;
  /** Sequence of the camera's last event in the stream of events. */
  eventsSequence: number;
  eventsMaking: string;
  /** The making of the stream of events before, when it was made anew since the last checkpoint. */
  formerEvents: string | undefined;
  detectionsMaking: string;
  /** All of the camera's messages in the stream of detections up to here are taken into account. */
  detectionsSequence: number;
  /** None of the camera's messages up to here was missed, or it is not known, or those that were are told. */
  detectionsComplete: number;
  /** Frames up to here may have made events before, also where the timeline does not have them any more. */
  analysedBefore: number;
  /** The camera's last message in the stream of detections. */
  detectionsEnd: number;
  /** When that was stored, in milliseconds; 0 when there is none. */
  detectionsEndTime: number;
  /** Events that follow from the timeline and are not published yet. */
  events: FollowingEvent[];
  /** Those since the checkpoint that are. */
  publishedEvents: Event[];
  /** The newest of the frames since the checkpoint. */
  recentFrames: FrameDetections[];
}

/** Up to where of the stream of detections of this making an analysis had come. */
export interface Analysed {
  detectionsMaking: string;
  sequence: number;
  /** What the newest entry says that NATS has confirmed. */
  told: number;
}

/**
 * Finds out where the analysis of a camera stands: the last checkpoint, and what the timeline says since. Nothing may be
 * written to the camera's timeline meanwhile. `analysed`: how far this process itself had come, if it had.
 * @throws when NATS does not answer
 */
export async function recover(
  nats: Nats,
  buckets: AnalysisBuckets,
  camera: string,
  analysed: Analysed | undefined,
  signal: AbortSignal,
  log: Logger,
): Promise<Recovered> {
  const { manager, setBacks } = nats;
  const timeline = await manager.streams.info(streams.timeline);
  const detections = await manager.streams.info(streams.detections);
  const events = await manager.streams.info(streams.events);
  const newest = (stream: string, subject: string) =>
    manager.streams.getMessage(stream, { last_by_subj: subject });
  const last = await newest(streams.timeline, subjects.timeline(camera));
  const lastRaw = await newest(streams.detections, subjects.detections(camera));
  const lastEvent = await newest(streams.events, subjects.event(camera, "*"));
  const stored = await buckets.analysisState.get(camera);
  const checkpoint = stored?.operation === "PUT" ? decodeCheckpoint(stored.value) : undefined;
  const eventsMaking = streamMaking(events);
  const formerEvents = checkpoint?.eventsMaking === eventsMaking ? undefined : checkpoint?.eventsMaking;
  const found = {
    timelineSequence: last?.seq ?? 0,
    timelineMaking: streamMaking(timeline),
    eventsSequence: lastEvent?.seq ?? 0,
    eventsMaking,
    formerEvents,
    detectionsMaking: streamMaking(detections),
    detectionsEnd: lastRaw?.seq ?? 0,
    detectionsEndTime: lastRaw?.time.getTime() ?? 0,
  };
  /** Where to go on of what had been read at a time. */
  const left = async (read: StreamPlace) => {
    const loss = await findLoss(manager, streams.detections, detections.state, read, "later");
    if (loss) setBacks.note(streams.detections);
    return loss ? Math.min(loss.sequence, read.sequence) : read.sequence;
  };
  // Of an analysis that begins here nobody can have expected what is gone already.
  const beginning = Math.max(0, detections.state.first_seq - 1);
  const savedAt = BigInt(stored?.created.getTime() ?? 0) * 1_000_000n;
  const lastAt = last ? nanosOf(last.timestamp) : 0n;
  const known = checkpoint?.detectionsMaking === found.detectionsMaking;
  if (checkpoint)
    try {
      await requireKept(
        nats,
        checkpoint,
        [timeline, formerEvents === undefined ? events : undefined],
        savedAt,
      );
      const replayed = await replay(nats, camera, checkpoint, found.timelineSequence, signal);
      // Streams and checkpoint that have all gone back to one moment agree with each other, but not with what this process knows.
      const isSameStream = analysed?.detectionsMaking === found.detectionsMaking;
      const told = isSameStream ? await left({ sequence: analysed.told, time: unknownTime }) : 0;
      if (known && told > replayed.detectionsSequence) {
        setBacks.note(streams.timeline);
        throw new ForeignCheckpointError(lostTail(streams.timeline));
      }
      const published = await publishedSince(nats, camera, checkpoint, found, signal);
      // Into a stream of events that was made anew goes what follows the last that is in it.
      const after =
        formerEvents === undefined
          ? requireBeginning(published, replayed.events, found.timelineSequence, setBacks)
          : replayed.events.findLastIndex(({ origin }) => isSame(origin, published.at(-1))) + 1;
      const time = lastAt > savedAt ? lastAt : savedAt;
      const detectionsSequence = known ? await left({ sequence: replayed.detectionsSequence, time }) : 0;
      const complete = { sequence: checkpoint.detectionsComplete ?? 0, time: savedAt };
      return {
        ...found,
        ...replayed,
        fresh: false,
        detectionsSequence,
        detectionsComplete: known ? Math.max(detectionsSequence, await left(complete)) : beginning,
        analysedBefore: 0,
        events: replayed.events.slice(after),
        publishedEvents: replayed.events.slice(0, after).map(({ event }) => event),
      };
    } catch (error) {
      if (!(error instanceof ForeignCheckpointError)) throw error;
      log.error(
        { err: error },
        "the analysis cannot continue from its checkpoint; it ends all open events and begins again",
      );
    }
  else if (stored?.operation === "PUT")
    log.error(
      "the checkpoint of the analysis is from another version; the analysis ends all open events and begins again",
    );
  const own = checkpoint?.timelineMaking === found.timelineMaking ? checkpoint : undefined;
  const told = last
    ? {
        sequence: entryPlace(last.data) ?? (await lastPlace(nats, camera, own, last.seq, signal)),
        time: lastAt,
      }
    : await endOfFormer(nats, camera, known ? checkpoint : undefined, found.timelineMaking, savedAt);
  const detectionsSequence = await left(told);
  const before = await Promise.all([
    left({ sequence: (known && checkpoint?.detectionsSequence) || 0, time: savedAt }),
    left({
      sequence: detectionsBefore(lastEvent?.header),
      time: lastEvent ? nanosOf(lastEvent.timestamp) : 0n,
    }),
    analysed?.detectionsMaking === found.detectionsMaking
      ? left({ sequence: analysed.sequence, time: unknownTime })
      : 0,
    checkpoint || last || lastEvent ? 0 : beforeTimeline(nats, buckets, timeline),
  ]);
  return {
    ...found,
    state: new TimelineState(camera, Date.now().toString(36)),
    fresh: true,
    detectionsSequence,
    detectionsComplete: Math.max(detectionsSequence, beginning),
    analysedBefore: Math.max(...before),
    events: [],
    publishedEvents: [],
    recentFrames: [],
  };
}

/**
 * Nothing is left that says how far the analysis of a camera had come. When the timeline is not the first of this system, what was
 * stored in DETECTIONS before it was made may have made events: up to there. @throws when NATS does not answer
 */
async function beforeTimeline(
  { manager }: Nats,
  buckets: AnalysisBuckets,
  timeline: StreamInfo,
): Promise<number> {
  const makings = await buckets.streamMakings.get(streams.timeline);
  const before = makings?.operation === "PUT" && makings.json<string[]>().length > 1;
  if (!before) return 0;
  return (await placeBefore(manager, streams.detections, nanosOf(timeline.created))).sequence;
}

/**
 * Up to where of DETECTIONS a timeline that was made anew since the checkpoint had come when it could last be read: what is in it
 * is not to come again. @throws when NATS does not answer
 */
async function endOfFormer(
  nats: Nats,
  camera: string,
  checkpoint: Checkpoint | undefined,
  timelineMaking: string,
  savedAt: bigint,
): Promise<StreamPlace> {
  if (!checkpoint || checkpoint.timelineMaking === timelineMaking) return { sequence: 0, time: unknownTime };
  const subject = subjects.timeline(camera);
  const last = await lastAside(nats, streams.timeline, subject, checkpoint.timelineMaking);
  const sequence = last ? entryPlace(last.data) : undefined;
  if (!last || sequence === undefined) return { sequence: checkpoint.detectionsSequence, time: savedAt };
  return { sequence, time: nanosOf(last.timestamp) };
}

/** Up to where of DETECTIONS the analysis had come at this entry of the timeline; undefined when it is no entry. */
function entryPlace(data: Uint8Array): number | undefined {
  try {
    const { entry, detectionsSequence } = TimelineEntry.decode(data);
    return entry && detectionsSequence;
  } catch {
    return undefined;
  }
}

/**
 * Up to where of DETECTIONS the analysis had come where the timeline's last message is no entry: what the entries before it say.
 * @throws when NATS does not answer
 */
async function lastPlace(
  nats: Nats,
  camera: string,
  checkpoint: Checkpoint | undefined,
  end: number,
  signal: AbortSignal,
): Promise<number> {
  let place = checkpoint?.detectionsSequence ?? 0;
  let read = checkpoint?.timelineSequence ?? 0;
  const subject = subjects.timeline(camera);
  for await (const message of await StreamRead.open(
    nats.jetstream,
    streams.timeline,
    { from: { after: read }, subject },
    signal,
  )) {
    read = message.seq;
    place = Math.max(place, entryPlace(message.data) ?? 0);
    if (read >= end) break;
  }
  signal.throwIfAborted();
  if (read < end) throw new Error("the timeline could not be read to its end");
  return place;
}

/** Checks that the streams, the undefined one apart, still hold what the checkpoint was made of. @throws ForeignCheckpointError */
async function requireKept(
  { manager, setBacks }: Nats,
  checkpoint: Checkpoint,
  [timeline, events]: [StreamInfo, StreamInfo | undefined],
  time: bigint,
): Promise<void> {
  if (checkpoint.timelineMaking !== streamMaking(timeline))
    throw new ForeignCheckpointError("the checkpoint is from another stream");
  const places = [
    { info: timeline, sequence: checkpoint.timelineSequence },
    ...(events ? [{ info: events, sequence: checkpoint.eventsSequence }] : []),
  ];
  for (const { info, sequence } of places) {
    const { name } = info.config;
    if (!(await findLoss(manager, name, info.state, { sequence, time }, "later"))) continue;
    setBacks.note(name);
    throw new ForeignCheckpointError(lostTail(name));
  }
}
