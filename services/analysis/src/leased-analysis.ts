import { setTimeout as delay } from "node:timers/promises";
import { CameraChange, CameraReason, type CameraRecord, toTimestamp } from "@sightline/contracts";
import {
  abortable,
  type HeldLease,
  type LeasedWork,
  type LeaseEnd,
  type Logger,
  pause,
} from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { AnalysisSession } from "./analysis-session.ts";
import { CameraTimeline } from "./camera-timeline.ts";
import { TimelineError } from "./errors.ts";
import { type Analysed, recover } from "./recovery.ts";
import { Stall } from "./stall.ts";

/** When the process stops, the current step may take this long. */
const stopLimitMs = 3_000;

/** Analyses one camera while this process holds its lease. */
export class LeasedAnalysis implements LeasedWork {
  readonly camera: string;
  readonly #lease: HeldLease;
  readonly #context: AnalysisContext;
  readonly #metrics: CameraMetrics;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #leftOut = new Set<string>();
  /** Identifies the timeline's stream at its last recovery. */
  #making: string | undefined;
  /** Outlives the timeline: it is still known when a recovery finds nothing in NATS that would say it. */
  #analysed: Analysed | undefined;
  readonly #stall: Stall;
  readonly #running: Promise<void>;
  /** Undefined while it must be recovered. */
  #timeline: CameraTimeline | undefined;
  #session: AnalysisSession | undefined;
  /** Ends the current attempt to recover the timeline: its requests are never answered. */
  #recovery: AbortController | undefined;
  #address: string | undefined;
  /** When the camera was registered, in milliseconds. */
  readonly #registeredAt: number | undefined;

  /** `record`: undefined for a camera that is no longer registered. */
  constructor(
    camera: string,
    record: CameraRecord | undefined,
    lease: HeldLease,
    context: AnalysisContext,
    log: Logger,
  ) {
    this.camera = camera;
    this.#address = record?.uri;
    this.#registeredAt = record && Date.parse(record.createTime);
    this.#lease = lease;
    this.#context = context;
    this.#metrics = context.metrics.camera(camera);
    this.#log = log.child({ camera });
    this.#stall = new Stall(this.#log, (reason) => {
      this.#metrics.stalled(reason !== undefined);
      context.stalls.tell(camera, reason);
    });
    this.#running = this.#run();
  }

  /** Frames that wait for the one before them. */
  get held(): number {
    return this.#timeline?.order.held ?? 0;
  }

  /** The camera's record may have changed. During a recovery, the time without frames ends its tracks. */
  update({ uri }: CameraRecord): void {
    if (uri === this.#address) return;
    this.#address = uri;
    if (this.#timeline) this.#session?.addressChanged();
  }

  natsReturned(): void {
    this.#session?.natsReturned();
    this.#recovery?.abort(new TimelineError("interrupted", "NATS was away while the analysis was recovered"));
  }

  /** Ends the analysis. For a camera that was removed, it ends all open events and forgets the stored state. */
  async stop(why: LeaseEnd): Promise<void> {
    this.#abort.abort();
    if (why !== "lost") {
      const ended = this.#running.then(() => this.#conclude(why));
      await Promise.race([ended, delay(stopLimitMs, undefined, { ref: false })]).catch((error: Error) =>
        this.#log.warn(
          { err: error },
          "the analysis of a camera could not be ended; the next process that holds it will do it",
        ),
      );
    }
    this.#metrics.end();
    this.#context.stalls.tell(this.camera, undefined);
    this.#context.pictures.forget(this.camera);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted)
      try {
        const { timeline, backlogEnd, fresh } = await this.#recover(signal);
        const session = new AnalysisSession(
          timeline,
          backlogEnd,
          this.#registeredAt,
          this.#context,
          this.#metrics,
          this.#log,
        );
        this.#timeline = timeline;
        this.#session = session;
        await session.run(signal, fresh);
      } catch (error) {
        this.#analysed = this.#timeline?.analysed ?? this.#analysed;
        this.#timeline = undefined;
        this.#session = undefined;
        if (signal.aborted) return;
        await this.#failed(error as Error, signal);
      }
  }

  async #failed(error: Error, signal: AbortSignal): Promise<void> {
    const { connected } = this.#context.nats;
    // Without NATS nothing can continue; that is reported elsewhere.
    if (!connected()) this.#stall.progress();
    const pauseMs = this.#stall.failed(error);
    await pause(pauseMs, signal);
  }

  /** Recovers the timeline from its stored state. The search starts again if the connection to NATS was lost meanwhile. */
  async #recover(signal: AbortSignal) {
    const { nats, buckets, metrics, streamDamage } = this.#context;
    const recovery = new AbortController();
    this.#recovery = recovery;
    const until = AbortSignal.any([signal, recovery.signal]);
    const found = streamDamage
      .requireReadable()
      .then(() => recover(nats, buckets, this.camera, this.#analysed, until, this.#log));
    const recovered = await abortable(found, recovery.signal).finally(() => {
      this.#recovery = undefined;
    });
    this.#stall.readable();
    if (!recovered.fresh) metrics.recoveries.inc();
    // What was refused as a duplicate is only in the old stream.
    if (this.#making !== recovered.timelineMaking) this.#leftOut.clear();
    this.#making = recovered.timelineMaking;
    const timeline = new CameraTimeline(
      this.camera,
      recovered,
      this.#lease,
      this.#context,
      this.#metrics,
      this.#leftOut,
      this.#log,
      () => this.#stall.progress(),
    );
    return { timeline, backlogEnd: recovered.detectionsEnd, fresh: recovered.fresh };
  }

  async #conclude(why: Exclude<LeaseEnd, "lost">): Promise<void> {
    if (why !== "removed") return this.#timeline?.checkpoint();
    let timeline = this.#timeline;
    if (!timeline) {
      timeline = (await this.#recover(new AbortController().signal)).timeline;
      await timeline.begin();
    }
    const value = {
      time: toTimestamp(Date.now()),
      down: true,
      reason: CameraReason.UNSPECIFIED,
      message: "camera removed",
      change: CameraChange.REMOVED,
      framesEnd: undefined,
      continued: undefined,
    } as const;
    await timeline.step({ $case: "transition", value });
    await this.#context.buckets.analysisState.delete(this.camera);
  }
}
