import {
  CameraChange,
  type Event,
  EventType,
  isRecorded,
  subjects,
  type TimelineEntry,
  toTimestamp,
} from "@sightline/contracts";
import type { HeldLease, Logger, StreamPlace } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { encodeCheckpoint } from "./checkpoint.ts";
import { TimelineError } from "./errors.ts";
import { endOfLost, findOpenEvents } from "./lost-events.ts";
import type { FrameAge } from "./pictures/snapshot-claims.ts";
import type { RawFrame } from "./raw-frame.ts";
import { type OrderedFrame, RawOrder } from "./raw-order.ts";
import type { Analysed, Recovered } from "./recovery.ts";
import {
  findFramesLost,
  noteComplete,
  requireKept,
  requireSameDetections,
  type Written,
} from "./stream-losses.ts";
import type { TimelineState } from "./timeline-state.ts";
import { type EventOrigin, TimelineWriter } from "./timeline-writer.ts";

/** Ingest keeps a frame for about 2 seconds; this is somewhat more, so that no frame is given up too early. */
const frameKeptMs = 3_000;

type Entry = NonNullable<TimelineEntry["entry"]>;

/**
 * Continues one camera's timeline from the place that was found. After any failure it is unknown what was written, and the
 * timeline must be recovered again.
 */
export class CameraTimeline {
  readonly camera: string;
  readonly order: RawOrder;
  readonly state: TimelineState;
  readonly #recovered: Recovered;
  readonly #writer: TimelineWriter;
  readonly #context: AnalysisContext;
  readonly #metrics: CameraMetrics;
  readonly #leftOut: Set<string>;
  readonly #log: Logger;
  readonly #wrote: () => void;
  /** Frames come out of order: the newest one taken, by its sequence in the stream of detections. */
  #newest = 0;
  /** How far the analysis has come, according to the newest entry. */
  #told: number;
  /** Entries that were written; the first may be all that a damaged stream seems to accept. */
  #written = 0;
  /** The state of the last checkpoint. */
  #saved = "";

  /**
   * `leftOut`: frames that cannot be taken; it outlives the timeline that found them. `wrote` is called for each entry that
   * is written.
   */
  constructor(
    camera: string,
    recovered: Recovered,
    lease: HeldLease,
    context: AnalysisContext,
    metrics: CameraMetrics,
    leftOut: Set<string>,
    log: Logger,
    wrote: () => void = () => undefined,
  ) {
    this.#wrote = wrote;
    this.camera = camera;
    this.#leftOut = leftOut;
    this.#log = log;
    this.state = recovered.state;
    this.order = new RawOrder(
      context.reorderWindowMs,
      recovered.detectionsSequence,
      recovered.detectionsComplete,
      this.state.frames.highest(),
    );
    this.#recovered = recovered;
    this.#told = recovered.detectionsSequence;
    this.#writer = new TimelineWriter(
      context.nats,
      camera,
      this.state.analysis.incarnation,
      lease,
      recovered.timelineSequence,
      recovered.eventsSequence,
    );
    this.#context = context;
    this.#metrics = metrics;
  }

  /**
   * Publishes what the previous analysis did not, or ends open events when nothing more is known about them, and stores a
   * checkpoint. Must be called before anything else.
   */
  async begin(): Promise<void> {
    for (const frame of this.#recovered.recentFrames) this.#context.pictures.analysed(frame);
    if (this.#recovered.fresh) await this.#endLost();
    const newest = new Map(this.#recovered.publishedEvents.map((event) => [event.name, event]));
    for (const event of newest.values()) this.#context.pictures.published(event, true);
    for (const { event, origin } of this.#recovered.events) await this.#publish(event, origin, "old");
    await this.checkpoint();
  }

  /** How far the analysis has come. */
  get analysed(): Analysed {
    const sequence = Math.max(this.#newest, this.order.taken, this.analysedBefore);
    return { detectionsMaking: this.#recovered.detectionsMaking, sequence, told: this.#told };
  }

  /** Frames up to this message may have created events before; those must not be created again. */
  get analysedBefore(): number {
    return this.#recovered.analysedBefore;
  }

  /** A frame whose turn has come; a frame that is already in the timeline is left out. */
  async frame(frame: OrderedFrame): Promise<void> {
    const { event, publishedAt } = frame;
    await this.#tellLost(frame);
    this.#newest = Math.max(this.#newest, frame.sequence);
    this.order.take(frame);
    const { epoch, number } = event.frame!;
    const id = `${epoch}:${number}`;
    if (this.state.frames.has(epoch, number) || this.#leftOut.has(id)) return;
    if (this.state.frames.isLate(epoch, number)) this.#metrics.late();
    const entry = { $case: "frame", value: event } as const;
    const startedAt = performance.now();
    let events: Event[];
    try {
      events = this.state.apply(entry);
    } catch (error) {
      // It would fail again after each recovery.
      this.#leftOut.add(id);
      this.#context.metrics.invalid.inc();
      throw error;
    }
    const endedAt = performance.now();
    this.#context.metrics.seconds.observe((endedAt - startedAt) / 1000);
    const waitedMs = this.#context.serverClock.ageMs(publishedAt);
    if (event.timings) {
      event.timings.trackUs = Math.min(0xffffffff, Math.max(0, Math.round(waitedMs * 1000)));
    }
    try {
      const age = this.#ageOf(frame, waitedMs);
      await this.#write(entry, events, age, this.#traced(frame, waitedMs));
    } catch (error) {
      if (error instanceof TimelineError && error.code === "frame_duplicate") this.#leftOut.add(id);
      throw error;
    }
  }

  /** An entry other than a frame. */
  async step(entry: Exclude<Entry, { $case: "frame" }>): Promise<void> {
    await this.#write(entry, this.state.apply(entry), "fresh");
  }

  /** Stores a checkpoint, unless nothing has happened. */
  async checkpoint(): Promise<void> {
    await noteComplete(this.#context.nats, this.camera, this.order);
    const { timelineMaking, detectionsMaking, eventsMaking } = this.#recovered;
    const at = {
      timelineSequence: this.#writer.last,
      detectionsSequence: this.order.taken,
      detectionsComplete: this.order.complete,
      eventsSequence: this.#writer.lastEvent,
    };
    const saved = Object.values(at).join(" ");
    if (saved === this.#saved) return;
    const checkpoint = { timelineMaking, detectionsMaking, eventsMaking, ...at, ...this.state.snapshot() };
    await this.#context.buckets.analysisState.put(this.camera, encodeCheckpoint(checkpoint));
    this.#saved = saved;
  }

  /**
   * `read`: the reader's position.
   * @throws TimelineError timeline_conflict when the stream of detections is not the one that has been read so far
   */
  requireSameDetections(read: StreamPlace | undefined): Promise<void> {
    const { detectionsMaking } = this.#recovered;
    return requireSameDetections(this.#context.nats, detectionsMaking, this.order.read, read);
  }

  /** What has been written so far. */
  get written(): Written {
    return { timeline: this.#writer.last, events: this.#writer.lastEvent };
  }

  /** @throws TimelineError timeline_conflict when something that had been written is missing */
  requireKept(written: Written): Promise<void> {
    return requireKept(this.#context.nats, this.camera, written);
  }

  /** Ends what earlier analyses left open: it cannot be known when that should have ended. */
  async #endLost(): Promise<void> {
    const { eventsSequence, formerEvents } = this.#recovered;
    const open = await findOpenEvents(this.#context.nats, this.camera, eventsSequence, formerEvents);
    // The analysis does not end the event that the camera is down: the camera's state says when it is over.
    const down = open.findLast(({ type }) => type === EventType.CAMERA_DOWN);
    const lost = open.filter((event) => event !== down);
    for (const event of lost) {
      const end = endOfLost(event, Date.now());
      await this.#writer.lostEvent(end, Math.max(this.analysedBefore, this.order.taken));
      this.#metrics.event(end);
      this.#context.pictures.published(end, false);
    }
    if (down) await this.#goOnDown(down);
    if (lost.length > 0)
      this.#log.warn(
        { events: lost.length },
        "open events were ended, because the analysis has lost their state",
      );
  }

  async #goOnDown(continued: Event): Promise<void> {
    const { cameraReason: reason } = continued;
    const value = {
      time: toTimestamp(Date.now()),
      down: true,
      reason,
      message: "",
      change: CameraChange.UNSPECIFIED,
      framesEnd: undefined,
      continued,
    };
    await this.step({ $case: "transition", value });
  }

  /** Records frames that were removed before this one, if there were any. */
  async #tellLost(frame: OrderedFrame): Promise<void> {
    const frames = await findFramesLost(this.#context.nats, this.order, this.state, frame);
    if (frames === undefined) return;
    this.order.tellRemoved();
    await this.step({ $case: "lost", value: { time: toTimestamp(Date.now()), frames } });
    this.#metrics.lost(frames);
    this.#log.warn(
      { frames: frames === 0 ? "unknown" : frames },
      "frames were gone before they were analysed: the analysis was away, or behind, for longer than they are kept. Raise SIGHTLINE_DETECTIONS_MAX_BYTES, or run more of the processes that analyse",
    );
  }

  /** Records a traced frame's way through the analysis; returns the trace for the next hop. */
  #traced({ trace, publishedAt }: RawFrame, waitedMs: number): string | undefined {
    if (trace === undefined) return undefined;
    const span = {
      name: "track",
      role: "consumer",
      subject: subjects.detections(this.camera),
      subjectTemplate: subjects.detections("{camera}"),
      startMs: publishedAt,
      endMs: publishedAt + waitedMs,
      attributes: { "sightline.camera": this.camera },
    } as const;
    return this.#context.tracing.record(span, trace) ?? trace;
  }

  /** A frame that was stored long before the newest one is gone, whatever the hosts' clocks say. */
  #ageOf({ publishedAt }: RawFrame, waitedMs: number): FrameAge {
    if (this.#recovered.detectionsEndTime - publishedAt > frameKeptMs) return "gone";
    return waitedMs > frameKeptMs ? "old" : "fresh";
  }

  async #write(entry: Entry, events: Event[], age: FrameAge, trace?: string): Promise<void> {
    const { taken } = this.order;
    const sequence = await this.#writer.entry(entry, taken, trace);
    this.#told = taken;
    if (entry.$case === "frame") this.#context.pictures.analysed(entry.value);
    for (const [index, event] of events.entries()) await this.#publish(event, { sequence, index }, age);
    this.#metrics.tracks(this.state.tracked);
    if (++this.#written > 1) this.#wrote();
  }

  async #publish(event: Event, origin: EventOrigin, age: FrameAge): Promise<void> {
    await this.#context.pictures.settle(event, age);
    event.hasClip = isRecorded(this.#context.status.find(this.camera)?.recording);
    const isNew = await this.#writer.event(event, origin, this.order.taken);
    if (isNew) this.#metrics.event(event);
    this.#context.pictures.published(event, !isNew);
  }
}
