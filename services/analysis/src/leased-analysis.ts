import { setTimeout as delay } from "node:timers/promises";
import { CameraChange, CameraReason, type CameraRecord, toTimestamp } from "@sightline/contracts";
import type { HeldLease, LeasedWork, LeaseEnd, Logger } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { AnalysisSession } from "./analysis-session.ts";
import { CameraTimeline } from "./camera-timeline.ts";
import { type Analysed, recover } from "./recovery.ts";
import { Stall } from "./stall.ts";

/** So long the step at hand may take when the process stops. */
const stopLimitMs = 3_000;

/** Analyses one camera for as long as this process holds its lease. */
export class LeasedAnalysis implements LeasedWork {
  readonly camera: string;
  readonly #lease: HeldLease;
  readonly #context: AnalysisContext;
  readonly #metrics: CameraMetrics;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #leftOut = new Set<string>();
  /** Of the timeline's stream, when it was last recovered. */
  #making: string | undefined;
  /** Outlives a timeline that is recovered with nothing left in NATS that would say so. */
  #analysed: Analysed | undefined;
  readonly #stall: Stall;
  readonly #running: Promise<void>;
  /** Undefined while it must be recovered. */
  #timeline: CameraTimeline | undefined;
  #session: AnalysisSession | undefined;
  /** Ends the attempt to recover the timeline that is under way: what it has asked for is never answered. */
  #recovery: AbortController | undefined;
  #address: string | undefined;
  /** When its camera was registered, in milliseconds. */
  readonly #registeredAt: number | undefined;

  /** `record`: undefined of a camera that is registered no more. */
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

  /** The camera's record may have changed. While the analysis is recovered, the time without frames ends its tracks. */
  update({ uri }: CameraRecord): void {
    if (uri === this.#address) return;
    this.#address = uri;
    if (this.#timeline) this.#session?.addressChanged();
  }

  natsReturned(): void {
    this.#session?.natsReturned();
    this.#recovery?.abort(new Error("NATS was away while the analysis was recovered"));
  }

  /** Ends the analysis. Of a camera that was removed it ends all that is open, and forgets where it stood. */
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
    // Without NATS nothing can go on, and it tells so itself.
    if (!connected()) this.#stall.progress();
    const pauseMs = this.#stall.failed(error);
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }

  /** The timeline from where it stands. Looking where that is begins anew when NATS was away meanwhile. */
  async #recover(signal: AbortSignal) {
    const { nats, buckets, metrics } = this.#context;
    const recovery = new AbortController();
    const interrupted = Promise.withResolvers<never>();
    const end = () => interrupted.reject(recovery.signal.reason);
    recovery.signal.addEventListener("abort", end, { once: true });
    this.#recovery = recovery;
    const until = AbortSignal.any([signal, recovery.signal]);
    const found = recover(nats, buckets, this.camera, this.#analysed, until, this.#log);
    const recovered = await Promise.race([found, interrupted.promise]).finally(() => {
      this.#recovery = undefined;
    });
    if (!recovered.fresh) metrics.recoveries.inc();
    // What was refused as a duplicate is in the old stream only.
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
