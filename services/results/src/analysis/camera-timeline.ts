import { type Event, streams, type TimelineEntry } from "@sightline/contracts";
import { type Lease, streamMaking } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { encodeCheckpoint } from "./checkpoint.ts";
import type { RawFrame } from "./raw-frame.ts";
import { RawOrder } from "./raw-order.ts";
import type { Recovered } from "./recovery.ts";
import type { TimelineState } from "./timeline-state.ts";
import {
  DuplicateFrameError,
  type EventOrigin,
  TimelineConflictError,
  TimelineWriter,
} from "./timeline-writer.ts";

type Entry = NonNullable<TimelineEntry["entry"]>;

/**
 * Takes one camera's timeline on from where it was found. After anything has failed, what was written is not known any
 * more: it must be recovered anew.
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
  /** What the last checkpoint was of. */
  #saved = "";

  /** `leftOut`: frames that cannot be taken; it outlives a timeline that found so. */
  constructor(
    camera: string,
    recovered: Recovered,
    lease: Lease,
    context: AnalysisContext,
    metrics: CameraMetrics,
    leftOut: Set<string>,
  ) {
    this.camera = camera;
    this.#leftOut = leftOut;
    this.state = recovered.state;
    this.order = new RawOrder(
      context.reorderWindowMs,
      recovered.detectionsSequence,
      this.state.frames.highest(),
    );
    this.#recovered = recovered;
    this.#writer = new TimelineWriter(
      context.nats,
      camera,
      this.state.analysis.incarnation,
      lease,
      recovered.timelineSequence,
    );
    this.#context = context;
    this.#metrics = metrics;
  }

  /** Publishes what the one before did not, and stores where things stand. Comes before anything else. */
  async begin(): Promise<void> {
    for (const { event, origin } of this.#recovered.events) await this.#publish(event, origin);
    await this.checkpoint();
  }

  /** A frame whose turn has come; one that is in the timeline already is left out. */
  async frame(frame: RawFrame): Promise<void> {
    const { event, publishedAt } = frame;
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
    const waitedMs = performance.timeOrigin + endedAt - publishedAt;
    if (event.timings) {
      event.timings.trackUs = Math.min(0xffffffff, Math.max(0, Math.round(waitedMs * 1000)));
    }
    try {
      await this.#write(entry, events, this.#traced(frame, waitedMs));
    } catch (error) {
      if (error instanceof DuplicateFrameError) this.#leftOut.add(id);
      throw error;
    }
  }

  /** Something other than a frame. */
  async step(entry: Exclude<Entry, { $case: "frame" }>): Promise<void> {
    await this.#write(entry, this.state.apply(entry));
  }

  /** Stores where things stand, unless nothing has happened. */
  async checkpoint(): Promise<void> {
    const { timelineMaking, detectionsMaking } = this.#recovered;
    const at = { timelineSequence: this.#writer.last, detectionsSequence: this.order.taken };
    const saved = `${at.timelineSequence} ${at.detectionsSequence}`;
    if (saved === this.#saved) return;
    const checkpoint = { timelineMaking, detectionsMaking, ...at, ...this.state.snapshot() };
    await this.#context.buckets.analysisState.put(this.camera, encodeCheckpoint(checkpoint));
    this.#saved = saved;
  }

  /** @throws TimelineConflictError when the stream of detections is not the one that has been read so far */
  async requireSameStream(): Promise<void> {
    const info = await this.#context.nats.manager.streams.info(streams.detections);
    const same = streamMaking(info) === this.#recovered.detectionsMaking;
    if (!same || info.state.last_seq < this.order.read)
      throw new TimelineConflictError("the stream of detections was made anew or has lost its end");
  }

  /** Records a traced frame's way through the analysis; returns the trace for the next hop. */
  #traced({ trace, publishedAt }: RawFrame, waitedMs: number): string | undefined {
    if (trace === undefined) return undefined;
    const attributes = { "sightline.camera": this.camera };
    const span = { name: "track", startMs: publishedAt, endMs: publishedAt + waitedMs, attributes };
    return this.#context.tracing.record(span, trace) ?? trace;
  }

  async #write(entry: Entry, events: Event[], trace?: string): Promise<void> {
    const sequence = await this.#writer.entry(entry, this.order.taken, trace);
    for (const [index, event] of events.entries()) await this.#publish(event, { sequence, index });
    this.#metrics.tracks(this.state.tracked);
  }

  async #publish(event: Event, origin: EventOrigin): Promise<void> {
    if (!(await this.#writer.event(event, origin))) return;
    this.#metrics.event(event);
    this.#context.published(event);
  }
}
