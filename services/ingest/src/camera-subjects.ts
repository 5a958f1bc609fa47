import { headers, type Msg, type Subscription } from "@nats-io/transport-node";
import {
  arenaHeader,
  decodeJson,
  encodeFrameHandle,
  type FrameMetadata,
  frameDroppedSchema,
  frameMessageBytes,
  frameRequestSchema,
  limits,
  PixelFormat,
  pixelFormatHeader,
  pixelFormatName,
  subjects,
  WireError,
  writeFrameHeader,
} from "@sightline/contracts";
import { asGbrp } from "@sightline/media";
import type { Logger, Nats, Tracing } from "@sightline/service";
import { traceFrame } from "./frame-metadata.ts";
import type { FrameQueue } from "./frame-queue.ts";
import type { FrameSharing } from "./frame-sharing.ts";
import type { HandedFrames } from "./handed-frames.ts";
import type { PictureSubject } from "./pictures/picture-subject.ts";

const nothing = new Uint8Array();
/**
 * For a moment two processes may answer for a camera: one that was frozen and goes on, and the one that took the camera. The
 * worker takes the first answer, so the one that is not sure to hold the camera answers late that it does not know an epoch.
 * Otherwise it answers at once: after a camera has changed its process, many tokens of the old epoch may be left, and a
 * worker would wait for each.
 */
const unknownMs = 300;

/** The parts of a camera that answer requests. */
export interface AnsweringCamera {
  camera: string;
  epoch: string;
  queue: FrameQueue;
  handed: HandedFrames;
  pictures: PictureSubject;
  sharing: FrameSharing;
  tracing: Pick<Tracing, "sample" | "record">;
  /** Whether this process certainly holds the camera. */
  isSure: () => boolean;
}

/**
 * The frame in a layout that the worker can read. A worker that does not say that it reads I420 (an earlier version, or one
 * on a processor) gets gbrp.
 */
function readableFrame(
  { header, message }: { header: FrameMetadata; message: Uint8Array<ArrayBuffer> },
  wanted: string | undefined,
): { header: FrameMetadata; message: Uint8Array<ArrayBuffer> } {
  const format = pixelFormatName(header.pixelFormat);
  if (format === "gbrp" || format === wanted) return { header, message };
  const { width, height } = header;
  const whole = new Uint8Array(frameMessageBytes(width, height));
  const pixels = asGbrp(message.subarray(limits.frameHeaderBytes), format, { width, height });
  whole.set(pixels, limits.frameHeaderBytes);
  return { header: { ...header, pixelFormat: PixelFormat.GBRP }, message: whole };
}

/** Answers workers that request a camera's frame, and receives the outcome of frames. */
export class CameraSubjects {
  readonly #subscriptions: Subscription[];
  readonly #nats: Pick<Nats, "connection">;
  readonly #parts: AnsweringCamera;
  readonly #log: Logger;

  constructor(nats: Pick<Nats, "connection">, parts: AnsweringCamera, log: Logger) {
    const { camera, handed } = parts;
    this.#nats = nats;
    this.#parts = parts;
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
        handed.infer(message.headers?.get("Nats-Msg-Id") ?? ""),
      ),
    ];
  }

  #answer(message: Msg): void {
    const { camera, epoch, queue, handed, pictures, sharing, tracing, isSure } = this.#parts;
    const request = decodeJson(frameRequestSchema, message.data);
    const isKnown = request.epoch === epoch;
    if (!isKnown && !isSure()) return void this.#answerLate(message);
    const frame = isKnown ? queue.take(request.token) : undefined;
    if (!frame) return void message.respond(nothing);
    const given = readableFrame(frame, message.headers?.get(pixelFormatHeader));
    const pixels = given.message.subarray(limits.frameHeaderBytes);
    const handle = sharing.share(pixels, message.headers?.get(arenaHeader));
    handed.add(frame, handle);
    pictures.add(frame);
    const traced = traceFrame(tracing, camera, frame);
    if (handle) {
      message.respond(encodeFrameHandle(given.header, handle), traced && { headers: traced });
      frame.buffers.give(frame.message);
      return;
    }
    writeFrameHeader(given.message, given.header);
    const { arena } = sharing;
    const told = arena === undefined ? traced : (traced ?? headers());
    if (arena !== undefined) told?.set(arenaHeader, arena);
    message.respond(given.message, told && { headers: told });
  }

  #answerLate(message: Msg): void {
    const { connection } = this.#nats;
    setTimeout(() => {
      if (!connection.isClosed()) message.respond(nothing);
    }, unknownMs).unref();
  }

  #dropped(message: Msg): void {
    const { epoch, number, reason } = decodeJson(frameDroppedSchema, message.data);
    this.#parts.handed.drop(epoch, number, reason);
  }

  #guard(receive: (message: Msg) => void, message: Msg): void {
    try {
      receive(message);
    } catch (error) {
      if (!(error instanceof WireError && error.code === "message_invalid")) throw error;
      this.#log.warn({ subject: message.subject, err: error }, "a message cannot be read; it is ignored");
    }
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
