import type { Msg } from "@nats-io/transport-node";
import {
  CameraChange,
  CameraReason,
  CameraRules,
  cameraName,
  decodeJson,
  frameDroppedSchema,
  fromTimestamp,
  subjects,
  toTimestamp,
  WireError,
} from "@sightline/contracts";
import { checkRules, RulesError } from "@sightline/rules";
import type { KvMirror, Logger } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { CameraStanding } from "./camera-standing.ts";
import type { CameraTimeline } from "./camera-timeline.ts";
import { DetectionReader } from "./detection-reader.ts";
import { TimelineError } from "./errors.ts";
import type { RawFrame } from "./raw-frame.ts";
import type { OrderedFrame } from "./raw-order.ts";

/** After NATS is back, a step that waits for it may still end within this time. */
const answerMs = 500;
const checkpointMs = 5_000;
/** When no entry has come for this long, a tick records the time. */
const tickMs = 1_000;
/** A status is at most this old; after that, the camera captured nothing more from its previous address. */
const statusAgeMs = 2_000;

/**
 * Feeds one camera's timeline, from the place that was found, until something fails: with the frames that workers publish,
 * with changes of the camera's state and rules, and with the time when nothing else comes.
 */
export class AnalysisSession {
  readonly #timeline: CameraTimeline;
  readonly #context: AnalysisContext;
  readonly #log: Logger;
  readonly #turns = new InTurn();
  readonly #failed = Promise.withResolvers<never>();
  readonly #stops: (() => void)[] = [];
  readonly #idle: NodeJS.Timeout;
  readonly #standing: CameraStanding;
  /** Frames up to this one were published before the session began; what happens now follows after them. */
  readonly #backlogEnd: number;
  #expiry: NodeJS.Timeout | undefined;
  readonly #reader: DetectionReader;
  #current = false;
  /** Why the camera was down at the last check; undefined before the first. */
  #downReason: CameraReason | undefined;
  /** Frames that were analysed before must not create events again: the rules take effect after them. */
  #rulesWait = false;

  /** `registeredAt`: when the camera was registered, in milliseconds. */
  constructor(
    timeline: CameraTimeline,
    backlogEnd: number,
    registeredAt: number | undefined,
    context: AnalysisContext,
    metrics: CameraMetrics,
    log: Logger,
  ) {
    this.#timeline = timeline;
    this.#log = log;
    this.#backlogEnd = backlogEnd;
    this.#context = context;
    const receive = (frame: RawFrame | undefined, sequence: number) => this.#receive(frame, sequence);
    this.#reader = new DetectionReader(timeline, registeredAt, context, metrics, receive);
    this.#failed.promise.catch(() => undefined);
    this.#standing = new CameraStanding(context.status, timeline.camera, () => this.#catchUp());
    this.#idle = setTimeout(() => this.#tick(), tickMs);
  }

  /**
   * Runs until `signal` aborts and the current step is done.
   * @throws when the timeline must be recovered again
   */
  async run(signal: AbortSignal, fresh: boolean): Promise<void> {
    const { camera } = this.#timeline;
    const ended = new AbortController();
    try {
      await this.#turns.run(() => this.#timeline.begin());
      this.#rulesWait = fresh && this.#timeline.analysedBefore > this.#timeline.order.read;
      if (fresh && !this.#rulesWait) await this.#turns.run(() => this.#followRules());
      const { connection } = this.#context.nats;
      const notices = connection.subscribe(subjects.frameDropped(camera), {
        callback: (error, message) => {
          if (!error) this.#receiveNotice(message);
        },
      });
      this.#stops.push(() => notices.unsubscribe());
      const checkpoints = setInterval(() => this.#inTurn(() => this.#timeline.checkpoint()), checkpointMs);
      this.#stops.push(() => clearInterval(checkpoints));
      this.#stops.push(
        this.#context.rules.onChange(({ key }) => {
          if (key === camera) this.#catchUp();
        }),
      );
      this.#inTurn(async () => this.#noteProgress());
      const until = AbortSignal.any([signal, ended.signal]);
      const reading = this.#reader.run(until, (step) => this.#turns.run(step));
      await Promise.race([this.#failed.promise, reading]);
      await this.#turns.run(async () => undefined);
    } finally {
      this.#standing.stop();
      clearTimeout(this.#idle);
      clearTimeout(this.#expiry);
      // Otherwise a session that failed would go on reading for a timeline that is no longer used.
      this.#turns.end();
      ended.abort();
      for (const stop of this.#stops.splice(0)) stop();
    }
  }

  /** NATS is back: a restarted server has forgotten the consumer, and it would take seconds to notice that. */
  natsReturned(): void {
    // Messages that are being sent to NATS now would hide the loss of those before them.
    const { written } = this.#timeline;
    // Earlier requests are never answered; recovery finds out what they did.
    const silence = setTimeout(
      () =>
        this.#failed.reject(
          new TimelineError("interrupted", "NATS was away and does not answer what was asked before"),
        ),
      answerMs,
    );
    this.#stops.push(() => clearTimeout(silence));
    this.#inTurn(async () => {
      clearTimeout(silence);
      await this.#context.streamDamage.requireReadable();
      await this.#timeline.requireKept(written);
    });
    this.#reader.readAgain();
  }

  /** The camera has another address: from now on it may show another place. */
  addressChanged(): void {
    this.#inTurn(async () => {
      const lastFrame = this.#context.status.find(this.#timeline.camera)?.lastFrameTime;
      // Uses the clocks of both hosts, so that frames captured after the change are not taken for earlier ones for long.
      const framesEnd =
        lastFrame && toTimestamp(Math.min(Date.now(), fromTimestamp(lastFrame) + statusAgeMs));
      const { down } = this.#timeline.state;
      const change = CameraChange.ADDRESS;
      const value = { ...plain, time: now(), down, change, framesEnd };
      await this.#timeline.step({ $case: "transition", value });
      this.#idle.refresh();
    });
  }

  #inTurn(step: () => Promise<void>): void {
    this.#turns.run(step).catch((error) => this.#failed.reject(error));
  }

  async #receive(frame: RawFrame | undefined, sequence: number): Promise<void> {
    if (frame) await this.#take(this.#timeline.order.push(frame));
    else this.#timeline.order.skip(sequence);
    this.#noteProgress();
  }

  #receiveNotice(message: Msg): void {
    // It describes the present: all earlier frames would seem to come late.
    if (!this.#current) return;
    try {
      const notice = decodeJson(frameDroppedSchema, message.data);
      this.#inTurn(() => this.#take(this.#timeline.order.dropped(notice)));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#context.metrics.invalid.inc();
    }
  }

  async #take(frames: OrderedFrame[]): Promise<void> {
    for (const frame of frames) {
      if (this.#rulesWait && frame.sequence > this.#timeline.analysedBefore) await this.#followRules();
      await this.#timeline.frame(frame);
      this.#idle.refresh();
    }
    clearTimeout(this.#expiry);
    const waitMs = this.#timeline.order.msToExpiry;
    if (waitMs === undefined) return;
    this.#expiry = setTimeout(
      () => this.#inTurn(() => this.#take(this.#timeline.order.expire())),
      Math.ceil(waitMs),
    );
  }

  #noteProgress(): void {
    if (this.#current || this.#timeline.order.read < this.#backlogEnd) return;
    this.#current = true;
    this.#catchUp();
  }

  /** Brings the timeline up to the camera's current state and rules, once the earlier frames are in it. */
  #catchUp(): void {
    if (!this.#current) return;
    this.#inTurn(async () => {
      await this.#followRules();
      await this.#followStanding();
    });
  }

  async #followRules(): Promise<void> {
    const { camera, state } = this.#timeline;
    this.#rulesWait = false;
    const rules = rulesInForce(this.#context.rules, camera, this.#log);
    if (rules.etag === state.rulesEtag || (await this.#wentWithCamera(rules))) return;
    await this.#timeline.step({ $case: "rules", value: { time: now(), rules } });
    this.#idle.refresh();
  }

  /** The rules were removed together with their camera: its removal ends what they began, and gives the reason. */
  async #wentWithCamera({ etag }: CameraRules): Promise<boolean> {
    if (etag !== "") return false;
    const record = await this.#context.buckets.cameras.get(this.#timeline.camera);
    return record?.operation !== "PUT";
  }

  async #followStanding(): Promise<void> {
    const standing = this.#standing.now;
    if (!standing) return;
    const reason = standing.down ? standing.reason : CameraReason.UNSPECIFIED;
    // A camera that stays down may get another reason: for example, its address was corrected, and now the password is
    // wrong.
    const another = reason !== CameraReason.UNSPECIFIED && reason !== (this.#downReason ?? reason);
    this.#downReason = reason;
    if (standing.down === this.#timeline.state.down && !another) return;
    const value = { ...plain, ...standing, time: now() };
    await this.#timeline.step({ $case: "transition", value });
    this.#idle.refresh();
  }

  #tick(): void {
    if (!this.#current) return;
    this.#inTurn(async () => {
      if (this.#timeline.state.analysis.open === 0) return;
      await this.#timeline.step({ $case: "tick", value: { time: now() } });
      this.#idle.refresh();
    });
  }
}

/** Runs steps one after another. After the first failure, all later steps fail with the same error and are not run. */
class InTurn {
  #last: Promise<void> = Promise.resolve();
  #ended = false;

  /** Resolves when the step is done, or was left out because the session has ended. */
  run(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      if (!this.#ended) await step();
    });
    this.#last = done;
    done.catch(() => undefined);
    return done;
  }

  /** Steps that have not begun are left out: they would write to a timeline that is being recovered. */
  end(): void {
    this.#ended = true;
  }
}

/**
 * The rules for a camera's analysis: those in the bucket, under their etag. Unusable rules, which only another version can
 * have written, count as none.
 */
function rulesInForce(mirror: KvMirror<CameraRules>, camera: string, log: Logger): CameraRules {
  const stored = mirror.get(camera);
  const revision = mirror.revision(camera);
  const names = { name: `${cameraName(camera)}/rules`, etag: revision === undefined ? "" : String(revision) };
  if (!stored) return CameraRules.fromPartial({ ...names, etag: "" });
  try {
    return { ...checkRules(stored), ...names };
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    log.error(
      { err: error },
      "the camera's rules cannot be used; the camera has no rules until they are changed",
    );
    return CameraRules.fromPartial(names);
  }
}

/** The values of most transitions. */
const plain = {
  reason: CameraReason.UNSPECIFIED,
  message: "",
  change: CameraChange.UNSPECIFIED,
  framesEnd: undefined,
  continued: undefined,
};

function now() {
  return toTimestamp(Date.now());
}
