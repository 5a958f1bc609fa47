import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { analysisPresence, type CameraRecord } from "@sightline/contracts";
import {
  Announcement,
  type KvMirror,
  LeaseAssignment,
  LeaseSession,
  type Logger,
  presenceKey,
  storedKeys,
} from "@sightline/service";
import type { Registry } from "prom-client";
import type { AnalysisContext } from "./analysis-context.ts";
import { AnalysisMetrics } from "./analysis-metrics.ts";
import { LeasedAnalysis } from "./leased-analysis.ts";
import { Stalls } from "./stall.ts";
import { StreamDamage } from "./stream-damage.ts";

const kind = "tracker";
const leftoversMs = 30_000;
/** A damaged stream stops all cameras at the same time: they are reported together. */
const togetherMs = 50;

/** In memory: registered cameras, which process holds each, and the live sessions. */
export interface AnalysisView {
  records: KvMirror<CameraRecord>;
  holders: KvMirror<string>;
  leases: KvMirror<string>;
}

/** Analyses the cameras whose leases this process holds; all analysing processes share the cameras. */
export class LiveAnalysis {
  readonly #view: AnalysisView;
  readonly #context: AnalysisContext;
  readonly #log: Logger;
  readonly #holder = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly #presence: Announcement;
  readonly #session: LeaseSession;
  readonly #assignment: LeaseAssignment<CameraRecord, LeasedAnalysis>;
  #unfollow = () => {};
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;
  #stopped = false;

  constructor(
    view: AnalysisView,
    context: Omit<AnalysisContext, "metrics" | "stalls" | "streamDamage">,
    registry: Registry,
    log: Logger,
  ) {
    const trackers = () => this.#assignment.work();
    const metrics = new AnalysisMetrics(registry, {
      cameras: () => trackers().length,
      framesHeld: () => trackers().reduce((sum, { held }) => sum + held, 0),
    });
    this.#view = view;
    const stalls = new Stalls(() => {
      this.#telling ??= setTimeout(() => {
        this.#telling = undefined;
        if (!this.#stopped) void this.#presence.refresh();
      }, togetherMs);
    });
    const streamDamage = new StreamDamage(context.nats.manager);
    this.#context = { ...context, metrics, stalls, streamDamage };
    this.#log = log;
    const { nats, buckets } = context;
    this.#session = new LeaseSession(nats, buckets, kind, log);
    this.#presence = new Announcement(
      buckets.leases,
      presenceKey(analysisPresence, this.#holder),
      () => stalls.presence,
      log,
    );
    this.#assignment = new LeaseAssignment(
      {
        ...view,
        session: this.#session,
        kind,
        identify: ({ createTime }) => createTime,
        presence: analysisPresence,
        begin: async (camera, record, lease) => new LeasedAnalysis(camera, record, lease, this.#context, log),
        update: async (tracker, _camera, record) => tracker.update(record),
      },
      log,
    );
  }

  async start(): Promise<void> {
    await this.#presence.start();
    this.#unfollow = this.#context.nats.changes.listen({
      back: () => {
        this.#context.streamDamage.natsReturned();
        for (const tracker of this.#assignment.work()) tracker.natsReturned();
      },
    });
    this.#assignment.start();
    this.#endLeftovers();
    this.#timer = setInterval(() => this.#endLeftovers(), leftoversMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#telling);
    this.#unfollow();
    this.#stopped = true;
    // First, so that other processes leave nothing to this one.
    await this.#presence.stop(true);
    await Promise.all([this.#assignment.stop(), this.#ending]);
  }

  #endLeftovers(): void {
    this.#ending ??= this.#endRemoved()
      .catch((error: Error) =>
        this.#log.debug({ err: error }, "could not look for removed cameras yet; trying again"),
      )
      .finally(() => {
        this.#ending = undefined;
      });
  }

  /** Ends the analysis of cameras that were removed while no process was running that could do it. */
  async #endRemoved(): Promise<void> {
    const { nats, buckets } = this.#context;
    for (const camera of await storedKeys(nats.manager, buckets.analysisState)) {
      if (this.#view.records.get(camera)) continue;
      if ((await buckets.analysisState.get(camera))?.operation !== "PUT") continue;
      const lease = await this.#session.take(camera);
      if (!lease) continue;
      await new LeasedAnalysis(camera, undefined, lease, this.#context, this.#log).stop("removed");
      await lease.release();
      this.#log.info({ camera }, "the analysis of a removed camera has ended");
    }
  }
}
