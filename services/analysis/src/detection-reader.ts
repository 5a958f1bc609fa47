import { setTimeout as delay } from "node:timers/promises";
import type { JsMsg } from "@nats-io/jetstream";
import { cameraRecordSchema, decodeJson, fromTimestamp, streams, subjects } from "@sightline/contracts";
import { placeAfter, type StreamPlace, StreamRead, untilAborted } from "@sightline/service";
import type { AnalysisContext } from "./analysis-context.ts";
import type { CameraMetrics } from "./analysis-metrics.ts";
import type { CameraTimeline } from "./camera-timeline.ts";
import { type RawFrame, readRawFrame } from "./raw-frame.ts";

const retryMs = 250;

/** Reads a camera's messages in the stream of detections, from the place that its timeline has reached. */
export class DetectionReader {
  readonly #timeline: CameraTimeline;
  readonly #registeredAt: number | undefined;
  readonly #context: AnalysisContext;
  readonly #metrics: CameraMetrics;
  readonly #receive: (frame: RawFrame | undefined, sequence: number) => Promise<void>;
  #again = new AbortController();
  /** Undefined before the first message. */
  #place: StreamPlace | undefined;

  /**
   * `registeredAt`: when the camera was registered, in milliseconds. `receive` gets each message's sequence, with its frame unless it has none
   * that can be analysed or belongs to another camera.
   */
  constructor(
    timeline: CameraTimeline,
    registeredAt: number | undefined,
    context: AnalysisContext,
    metrics: CameraMetrics,
    receive: (frame: RawFrame | undefined, sequence: number) => Promise<void>,
  ) {
    this.#timeline = timeline;
    this.#registeredAt = registeredAt;
    this.#context = context;
    this.#metrics = metrics;
    this.#receive = receive;
  }

  /**
   * Reads until `signal` aborts; each message is one step for `inTurn`.
   * @throws when a step fails, and when the stream is not the one that was read before
   */
  async run(signal: AbortSignal, inTurn: (step: () => Promise<void>) => Promise<void>): Promise<void> {
    const { camera, order } = this.#timeline;
    while (!signal.aborted) {
      await this.#timeline.requireSameDetections(this.#place);
      this.#again = new AbortController();
      const until = AbortSignal.any([signal, this.#again.signal]);
      for await (const message of await StreamRead.open(
        this.#context.nats.jetstream,
        streams.detections,
        { from: { after: order.read }, subject: subjects.detections(camera) },
        until,
      ))
        await inTurn(() => this.#read(message, signal));
      if (!signal.aborted) await delay(retryMs);
    }
  }

  /** Ends the present consumer; the reading continues with another one. */
  readAgain(): void {
    this.#again.abort();
  }

  async #read(message: JsMsg, signal: AbortSignal): Promise<void> {
    const frame = readRawFrame(message);
    const isOther = frame !== undefined && this.#isOfOtherCamera(frame);
    // A frame of the camera that has this name now belongs to the next analysis; the registry's pending message ends this
    // one.
    if (isOther && !(await this.#isRegistered())) return untilAborted(signal);
    this.#metrics.lag(message.info.pending);
    this.#place = placeAfter(message);
    if (!frame) this.#context.metrics.invalid.inc();
    await this.#receive(isOther ? undefined : frame, message.seq);
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
}
