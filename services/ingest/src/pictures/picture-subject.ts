import { headers, type Msg, type Subscription } from "@nats-io/transport-node";
import {
  decodeJson,
  type PictureRequest,
  pictureHeader,
  pictureRequestSchema,
  pictureSourceHeader,
  subjects,
  WireError,
} from "@sightline/contracts";
import { type CodedPicture, isRecordedCodec, RecentPictures } from "@sightline/recording";
import type { Nats } from "@sightline/service";
import { type KeptFrame, RecentFrames } from "./frame-memory.ts";
import { newPictureStream, type PictureStream } from "./picture-decoder.ts";
import { HandedMoments, type PictureShape, type Pictures, refused, type StreamMoment } from "./pictures.ts";

/** Keeps a camera's recent frames and answers requests for their pictures. */
export class PictureSubject {
  readonly #pictures: Pictures;
  readonly #frames: RecentFrames;
  readonly #moments = new HandedMoments();
  #stream: (PictureStream & { pictures: RecentPictures; shape: PictureShape }) | undefined;
  readonly #epoch: string;
  readonly #nats: Nats;
  readonly #camera: string;
  #subscription: Subscription | undefined;
  readonly #answering = new Set<Promise<void>>();
  #clearing: NodeJS.Timeout | undefined;

  constructor(nats: Nats, camera: string, epoch: string, pictures: Pictures) {
    this.#pictures = pictures;
    this.#frames = new RecentFrames(pictures.memory);
    this.#epoch = epoch;
    this.#nats = nats;
    this.#camera = camera;
  }

  /** Starts to answer requests. */
  start(): void {
    this.#subscription = this.#nats.connection.subscribe(subjects.pictureGet(this.#camera), {
      callback: (error, message) => {
        if (error) return;
        const answering = this.#answer(message).finally(() => this.#answering.delete(answering));
        this.#answering.add(answering);
      },
    });
  }

  /** A worker gets this frame now. */
  add(frame: KeptFrame): void {
    clearTimeout(this.#clearing);
    this.#frames.add(frame);
    this.#moments.add(frame);
  }

  /** A connection begins whose video has this codec (its SDP name). */
  connected(codec: string, shape: PictureShape): void {
    this.#stream = isRecordedCodec(codec)
      ? { ...newPictureStream(), pictures: new RecentPictures(codec, this.#pictures.streamLimits), shape }
      : undefined;
  }

  /** Takes a compressed picture of the connection. */
  arrived(picture: CodedPicture): void {
    this.#stream?.pictures.push(picture);
  }

  /** Compressed pictures since the newest key picture. */
  get newest(): readonly CodedPicture[] {
    return this.#stream?.pictures.newest() ?? [];
  }

  /** Bytes of compressed pictures that are kept. */
  get streamBytes(): number {
    return this.#stream?.pictures.bytes ?? 0;
  }

  /** No more frames come: the present ones are removed when they are old, including the newest. */
  cameraDown(): void {
    clearTimeout(this.#clearing);
    this.#clearing = setTimeout(() => this.forget(), this.#pictures.memory.limits.maxAgeMs);
  }

  /** Drops everything that is kept, so that no picture is made from it. */
  forget(): void {
    clearTimeout(this.#clearing);
    this.#frames.clear();
    this.#stream = undefined;
    this.#moments.clear();
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    clearTimeout(this.#clearing);
    this.#frames.clear();
    await Promise.all(this.#answering);
  }

  async #answer(message: Msg): Promise<void> {
    const { answer, data, source } = await this.#picture(message.data);
    const head = headers();
    if (source) head.set(pictureSourceHeader, source);
    head.set(pictureHeader, JSON.stringify(answer));
    message.respond(data, { headers: head });
  }

  async #picture(data: Uint8Array) {
    let request: PictureRequest;
    try {
      request = decodeJson(pictureRequestSchema, data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return refused("failed", `the request cannot be read: ${error.message}`);
    }
    const other = request.epoch !== undefined && request.epoch !== this.#epoch;
    if (other) return this.#pictures.answer(request, undefined, undefined);
    return this.#pictures.answer(request, this.#frames.find(request.number), this.#moment(request));
  }

  /**
   * What is needed to decode the requested moment; undefined when the camera's own picture is not wanted or not available.
   */
  #moment({ source, number, maxWidth }: PictureRequest): StreamMoment | undefined {
    const moment = source === "camera" ? this.#moments.find(number) : undefined;
    // A small picture is just as good from the model's frame, and needs no decoder.
    const { letterbox } = moment?.metadata ?? {};
    if (letterbox && maxWidth !== undefined && maxWidth <= letterbox.width && this.#frames.find(number))
      return undefined;
    const stream = this.#stream;
    const decodable = moment && stream?.pictures.find(moment.arrivedAt);
    return stream && decodable && { ...moment, stream, decodable, shape: stream.shape };
  }
}
