import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import type { Msg, Subscription } from "@nats-io/transport-node";
import {
  cameraIdOf,
  decodeJson,
  FrameDetections,
  frameDroppedSchema,
  limits,
  streams,
  subjects,
  WireError,
} from "@sightline/contracts";
import type { Logger, Nats } from "@sightline/service";
import { type Ordered, ReorderBuffer, type Sequenced } from "./reorder.ts";

const retryMs = 250;

interface Arrival extends Sequenced {
  /** What was found; undefined when a worker dropped the frame, which then only lets the next one pass. */
  found?: {
    event: FrameDetections;
    /** Wall clock when JetStream stored the message, in milliseconds. */
    publishedAt: number;
  };
}

/** Takes what was consumed. */
export interface DetectionReceiver {
  /** A frame whose turn has come. */
  frame(event: FrameDetections, late: boolean): void;
  /** A message that could not be read. */
  invalid(): void;
  /** Messages still in the stream after the one just read. */
  lag(messages: number): void;
}

/**
 * Reads the stream of detections from now on and restores the order of each camera's frames. Each results service
 * reads all of it, so the position is its own: kept here, and where reading goes on after NATS was away.
 */
export class DetectionConsumer {
  readonly #nats: Nats;
  readonly #reorder: ReorderBuffer<Arrival>;
  readonly #receiver: DetectionReceiver;
  readonly #log: Logger;
  #position: number | undefined;
  #messages: ConsumerMessages | undefined;
  #notices: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number | undefined;
  #stopped = false;
  #reading = false;

  constructor(nats: Nats, windowMs: number, receiver: DetectionReceiver, log: Logger) {
    this.#nats = nats;
    this.#reorder = new ReorderBuffer({ windowMs });
    this.#receiver = receiver;
    this.#log = log;
  }

  /** Begins with the next message published; resolves once that is certain. */
  async start(): Promise<void> {
    this.#position = (await this.#nats.manager.streams.info(streams.detections)).state.last_seq;
    this.#notices = this.#nats.connection.subscribe(subjects.frameDropped("*"), {
      callback: (error, message) => {
        if (!error) this.#receiveNotice(message);
      },
    });
    void this.#followConnection();
    void this.#keepReading();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#notices?.unsubscribe();
    await this.#messages?.close();
  }

  /** Whether the stream is being read. */
  get reading(): boolean {
    return this.#reading;
  }

  /** Frames that wait for the one before them. */
  get held(): number {
    return this.#reorder.heldCount;
  }

  /** A server that restarted has forgotten the consumer; waiting for missed heartbeats would cost seconds. */
  async #followConnection(): Promise<void> {
    for await (const status of this.#nats.connection.status()) {
      if (this.#stopped) return;
      if (status.type === "reconnect") void this.#messages?.close();
    }
  }

  async #keepReading(): Promise<void> {
    while (!this.#stopped && !this.#nats.connection.isClosed()) {
      try {
        await this.#readUntilClosed();
      } catch (error) {
        this.#log.debug({ error: (error as Error).message }, "detections cannot be read yet; trying again");
      }
      this.#reading = false;
      if (!this.#stopped) await delay(retryMs);
    }
  }

  async #readUntilClosed(): Promise<void> {
    const { state } = await this.#nats.manager.streams.info(streams.detections);
    // A server that lost its newest messages in a crash counts from an earlier one.
    this.#position = Math.min(this.#position ?? state.last_seq, state.last_seq);
    const consumer = await this.#nats.jetstream.consumers.get(streams.detections, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
      inactive_threshold: 60_000,
    });
    const messages = await consumer.consume({ max_messages: 500, expires: 30_000, idle_heartbeat: 5_000 });
    this.#messages = messages;
    if (this.#stopped) return void messages.close();
    this.#reading = true;
    for await (const message of messages) this.#receive(message);
  }

  #receive(message: JsMsg): void {
    if (message.seq <= (this.#position ?? 0)) return;
    this.#position = message.seq;
    this.#receiver.lag(message.info.pending);
    const arrival = readArrival(message);
    if (!arrival) {
      this.#log.warn(
        { subject: message.subject, seq: message.seq },
        "a message of detections cannot be read",
      );
      this.#receiver.invalid();
      return;
    }
    this.#deliver(this.#reorder.push(arrival));
  }

  #receiveNotice(message: Msg): void {
    const camera = message.subject.split(".").at(-1) ?? "";
    try {
      const { epoch, number, previousNumber } = decodeJson(frameDroppedSchema, message.data);
      this.#deliver(this.#reorder.push({ stream: `${camera}:${epoch}`, number, previousNumber }));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#receiver.invalid();
    }
  }

  #deliver(frames: Ordered<Arrival>[]): void {
    const now = performance.timeOrigin + performance.now();
    for (const { item, late } of frames) {
      if (!item.found) continue;
      const { event, publishedAt } = item.found;
      if (event.timings) event.timings.trackUs = Math.max(0, Math.round((now - publishedAt) * 1000));
      this.#receiver.frame(event, late);
    }
    this.#scheduleExpiry();
  }

  #scheduleExpiry(): void {
    const deadline = this.#reorder.nextDeadline();
    if (deadline === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    if (deadline === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = undefined;
        this.#deliver(this.#reorder.expire());
      },
      Math.max(1, deadline - performance.now()),
    );
  }
}

function readArrival(message: JsMsg): Arrival | undefined {
  let event: FrameDetections;
  try {
    event = FrameDetections.decode(message.data);
  } catch {
    return undefined;
  }
  const { frame } = event;
  const camera = cameraIdOf(frame?.camera ?? "");
  if (!frame || camera === undefined || message.subject !== subjects.detections(camera)) return undefined;
  const { epoch, number, previousNumber } = frame;
  if (!(epoch !== "" && number >= 1 && previousNumber >= 0 && previousNumber < number)) return undefined;
  if (event.detections.length > limits.maxDetectionsPerFrame) return undefined;
  return {
    stream: `${camera}:${epoch}`,
    number,
    previousNumber,
    found: { event, publishedAt: Number(message.timestampNanos) / 1e6 },
  };
}
