import type { StreamInfo } from "@nats-io/jetstream";
import { type Event, type FrameDetections, streams, subjects, TimelineEntry } from "@sightline/contracts";
import {
  findLoss,
  type Logger,
  lastAside,
  type Nats,
  nanosOf,
  placeBefore,
  readUntil,
  type StreamPlace,
  streamMaking,
  unknownTime,
} from "@sightline/service";
import type { AnalysisBuckets } from "./analysis-context.ts";
import { type Checkpoint, decodeCheckpoint } from "./checkpoint.ts";
import { TimelineError } from "./errors.ts";
import { type FollowingEvent, isSame, lostTail, publishedSince, replay, requireBeginning } from "./replay.ts";
import { TimelineState } from "./timeline-state.ts";
import { detectionsBefore } from "./timeline-writer.ts";

/** The state of a camera's analysis, as found in NATS. */
export interface Recovered {
  state: TimelineState;
  /** True when there was no state to continue from. */
  fresh: boolean;
  /** Sequence of the camera's last entry in the timeline. */
  timelineSequence: number;
  timelineMaking: string;
  /** Sequence of the camera's last event in the stream of events. */
  eventsSequence: number;
  eventsMaking: string;
  /** Identifies the previous stream of events, if the stream was created again since the last checkpoint. */
  formerEvents: string | undefined;
  detectionsMaking: string;
  /** All of the camera's messages in the stream of detections up to here are taken into account. */
  detectionsSequence: number;
  /** None of the camera's messages up to here was missed; or that is unknown; or the missed ones have been recorded. */
  detectionsComplete: number;
  /** Frames up to here may have created events before, even if the timeline no longer contains them. */
  analysedBefore: number;
  /** The camera's last message in the stream of detections. */
  detectionsEnd: number;
  /** When that message was stored, in milliseconds; 0 when there is none. */
  detectionsEndTime: number;
  /** Events that result from the timeline and are not published yet. */
  events: FollowingEvent[];
  /** Events since the checkpoint that are published. */
  publishedEvents: Event[];
  /** The newest frames since the checkpoint. */
  recentFrames: FrameDetections[];
}

/** How far an analysis had come in one particular stream of detections. */
export interface Analysed {
  detectionsMaking: string;
  sequence: number;
  /** The place in the newest entry that NATS has confirmed. */
  told: number;
}

/**
 * Finds the state of a camera's analysis: the last checkpoint, and the timeline since then. Nobody may write to the
 * camera's timeline meanwhile. `analysed`: how far this process itself had come, if it had begun.
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
  /** Where to continue from a place that had been read. */
  const left = async (read: StreamPlace) => {
    const loss = await findLoss(manager, streams.detections, detections.state, read, "later");
    if (loss) setBacks.note(streams.detections);
    return loss ? Math.min(loss.sequence, read.sequence) : read.sequence;
  };
  // An analysis that begins here cannot have expected messages that are already gone.
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
      // If all streams and the checkpoint have gone back to the same moment, they agree with each other, but not with what
      // this process knows.
      const isSameStream = analysed?.detectionsMaking === found.detectionsMaking;
      const told = isSameStream ? await left({ sequence: analysed.told, time: unknownTime }) : 0;
      if (known && told > replayed.detectionsSequence) {
        setBacks.note(streams.timeline);
        throw new TimelineError("checkpoint_foreign", lostTail(streams.timeline));
      }
      const published = await publishedSince(nats, camera, checkpoint, found, signal);
      // A stream of events that was created again gets the events that follow the last one in it.
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
      if (!(error instanceof TimelineError && error.code === "checkpoint_foreign")) throw error;
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
 * Nothing says any more how far the camera's analysis had come. If the timeline is not the first one of this system,
 * messages that were stored in DETECTIONS before it was created may already have led to events. Returns the place up to
 * which this may be so.
 * @throws when NATS does not answer
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
 * The place in DETECTIONS that a timeline had reached when it could last be read, if it was created again since the
 * checkpoint: what it contained must not come again.
 * @throws when NATS does not answer
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

/**
 * The place in DETECTIONS that the analysis had reached at this entry of the timeline; undefined when it is not an entry.
 */
function entryPlace(data: Uint8Array): number | undefined {
  try {
    const { entry, detectionsSequence } = TimelineEntry.decode(data);
    return entry && detectionsSequence;
  } catch {
    return undefined;
  }
}

/**
 * The place in DETECTIONS that the analysis had reached, from earlier entries, for when the timeline's last message is not
 * an entry.
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
  const options = {
    from: { after: checkpoint?.timelineSequence ?? 0 },
    until: end,
    subject: subjects.timeline(camera),
  };
  for await (const { data } of readUntil(nats, streams.timeline, options, signal))
    place = Math.max(place, entryPlace(data) ?? 0);
  return place;
}

/**
 * Checks that the streams, except an undefined one, still contain what the checkpoint was based on.
 * @throws TimelineError checkpoint_foreign
 */
async function requireKept(
  { manager, setBacks }: Nats,
  checkpoint: Checkpoint,
  [timeline, events]: [StreamInfo, StreamInfo | undefined],
  time: bigint,
): Promise<void> {
  if (checkpoint.timelineMaking !== streamMaking(timeline))
    throw new TimelineError("checkpoint_foreign", "the checkpoint is from another stream");
  const places = [
    { info: timeline, sequence: checkpoint.timelineSequence },
    ...(events ? [{ info: events, sequence: checkpoint.eventsSequence }] : []),
  ];
  for (const { info, sequence } of places) {
    const { name } = info.config;
    if (!(await findLoss(manager, name, info.state, { sequence, time }, "later"))) continue;
    setBacks.note(name);
    throw new TimelineError("checkpoint_foreign", lostTail(name));
  }
}
