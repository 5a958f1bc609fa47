import type { Msg, Subscription } from "@nats-io/transport-node";
import {
  decodeJson,
  frameDroppedSchema,
  frameRequestSchema,
  subjects,
  WireError,
} from "@sightline/contracts";
import type { Logger, Nats } from "@sightline/service";
import type { FrameQueue } from "./frame-queue.ts";
import type { HandedFrames } from "./handed-frames.ts";
import type { PictureSubject } from "./pictures/picture-subject.ts";

const nothing = new Uint8Array();

/** Answers workers who ask for a camera's frame, and hears what became of frames. */
export class CameraSubjects {
  readonly #subscriptions: Subscription[];
  readonly #epoch: string;
  readonly #queue: FrameQueue;
  readonly #handed: HandedFrames;
  readonly #pictures: PictureSubject;
  readonly #log: Logger;

  constructor(
    nats: Nats,
    camera: string,
    epoch: string,
    queue: FrameQueue,
    handed: HandedFrames,
    pictures: PictureSubject,
    log: Logger,
  ) {
    this.#epoch = epoch;
    this.#queue = queue;
    this.#handed = handed;
    this.#pictures = pictures;
    this.#log = log;
    const subscribe = (subject: string, receive: (message: Msg) => void) =>
      nats.connection.subscribe(subject, {
        callback: (error, message) => {
          if (!error) this.#guard(receive, message);
        },
      });
    this.#subscriptions = [
      subscribe(subjects.frameGet(camera), (message) => this.#answer(message)),
      subscribe(subjects.frameDropped(camera), (message) => this.#dropped(message)),
      subscribe(subjects.detections(camera), (message) =>
        this.#handed.infer(message.headers?.get("Nats-Msg-Id") ?? ""),
      ),
    ];
  }

  #answer(message: Msg): void {
    const request = decodeJson(frameRequestSchema, message.data);
    const frame = request.epoch === this.#epoch ? this.#queue.take(request.token) : undefined;
    if (frame) {
      this.#handed.add(frame);
      this.#pictures.add(frame);
    }
    message.respond(frame?.message ?? nothing);
  }

  #dropped(message: Msg): void {
    const { epoch, number, reason } = decodeJson(frameDroppedSchema, message.data);
    this.#handed.drop(epoch, number, reason);
  }

  #guard(receive: (message: Msg) => void, message: Msg): void {
    try {
      receive(message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#log.warn(
        { subject: message.subject, error: error.message },
        "message cannot be read; it is ignored",
      );
    }
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
