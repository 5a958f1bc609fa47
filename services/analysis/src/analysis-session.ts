import { setTimeout as delay } from "node:timers/promises";
import type { JsMsg } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import {
  CameraChange,
  CameraReason,
  type CameraRules,
  cameraRecordSchema,
  decodeJson,
  frameDroppedSchema,
  fromTimestamp,
  streams,
  subjects,
  toTimestamp,
  WireError,
} from "@sightline/contracts";
import { type Logger, placeAfter, type StreamPlace, StreamRead, untilAborted } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import { CameraStanding } from "./camera-standing.ts";
import type { CameraTimeline } from "./camera-timeline.ts";
import { TimelineError } from "./errors.ts";
import { InTurn } from "./in-turn.ts";
import { type RawFrame, readRawFrame } from "./raw-frame.ts";
import type { OrderedFrame } from "./raw-order.ts";
import { rulesInForce } from "./rules-in-force.ts";

const retryMs = 250;
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
  readonly #metrics: CameraMetrics;
  readonly #log: Logger;
  readonly #turns = new InTurn();
  readonly #failed = Promise.withResolvers<never>();
  readonly #stops: (() => void)[] = [];
  readonly #idle: NodeJS.Timeout;
  readonly #standing: CameraStanding;
  /** Frames up to this one were published before the session began; what happens now follows after them. */
  readonly #backlogEnd: number;
  readonly #registeredAt: number | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #reader = new AbortController();
  #current = false;
  /** Position of the reader of detections; undefined before the first message. */
  #place: StreamPlace | undefined;
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
    this.#registeredAt = registeredAt;
    this.#context = context;
    this.#metrics = metrics;
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
      await Promise.race([this.#failed.promise, this.#keepReading(signal)]);
      await this.#turns.run(async () => undefined);
    } finally {
      this.#standing.stop();
      clearTimeout(this.#idle);
      clearTimeout(this.#expiry);
      this.#reader.abort();
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
    this.#inTurn(() => {
      clearTimeout(silence);
      return this.#timeline.requireKept(written);
    });
    this.#reader.abort();
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

  async #keepReading(signal: AbortSignal): Promise<void> {
    const { nats } = this.#context;
    const { camera, order } = this.#timeline;
    while (!signal.aborted) {
      await this.#timeline.requireSameDetections(this.#place);
      this.#reader = new AbortController();
      const until = AbortSignal.any([signal, this.#reader.signal]);
      for await (const message of await StreamRead.open(
        nats.jetstream,
        streams.detections,
        { from: { after: order.read }, subject: subjects.detections(camera) },
        until,
      ))
        await this.#turns.run(() => this.#receive(message, signal));
      if (!signal.aborted) await delay(retryMs);
    }
  }

  async #receive(message: JsMsg, signal: AbortSignal): Promise<void> {
    const frame = readRawFrame(message);
    const isOther = frame !== undefined && this.#isOfOtherCamera(frame);
    // A frame of the camera that has this name now belongs to the next analysis; the registry's pending message ends this
    // one.
    if (isOther && !(await this.#isRegistered())) return untilAborted(signal);
    this.#metrics.lag(message.info.pending);
    this.#place = placeAfter(message);
    if (frame && !isOther) await this.#take(this.#timeline.order.push(frame));
    else {
      this.#timeline.order.skip(message.seq);
      if (!frame) this.#context.metrics.invalid.inc();
    }
    this.#noteProgress();
  }

  /** Whether a frame belongs to another camera that had this one's name before, or has it now. */
  #isOfOtherCamera({ event }: RawFrame): boolean {
    const { cameraCreateTime } = event.frame!;
    if (!cameraCreateTime || this.#registeredAt === undefined) return false;
    return fromTimestamp(cameraCreateTime) !== this.#registeredAt;
  }

  /**
   * Whether the camera is still registered, and not another one with its name.
   * @throws when NATS does not answer
   */
  async #isRegistered(): Promise<boolean> {
    const record = await this.#context.buckets.cameras.get(this.#timeline.camera);
    if (record?.operation !== "PUT") return false;
    const { createTime } = decodeJson(cameraRecordSchema, record.value);
    return Date.parse(createTime) === this.#registeredAt;
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
