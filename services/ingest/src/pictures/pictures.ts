import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  fromTimestamp,
  type PictureAnswer,
  type PictureOrigin,
  type PictureRequest,
} from "@sightline/contracts";
import type { MaskPolygon, Orientation } from "@sightline/media";
import type { Decodable, RecentPicturesLimits, RecordedPicture } from "@sightline/recording";
import { abortable, BoundedMap, type Logger, TaskLimit, TaskLimitError } from "@sightline/service";
import { IngestError } from "../errors.ts";
import type { DecodeOptions } from "./decode-picture.ts";
import { type EncodedPicture, encodePicture } from "./encode-picture.ts";
import { FrameMemory, type FrameMemoryLimits, type KeptFrame } from "./frame-memory.ts";
import { newPictureStream, type PictureDecoder, type PictureStream } from "./picture-decoder.ts";

/** Number of frames whose moment is remembered: more than come while compressed pictures are kept. */
const mostMoments = 600;

/** A frame that a worker was given, without its pixels. */
type Moment = Pick<KeptFrame, "metadata" | "arrivedAt">;

/** The frames that workers were recently given. */
export class HandedMoments {
  /** By number, oldest first. */
  readonly #moments = new BoundedMap<number, Moment>(mostMoments);
  #newest: Moment | undefined;

  add({ metadata, arrivedAt }: Moment): void {
    this.#newest = { metadata, arrivedAt };
    this.#moments.set(metadata.number, this.#newest);
  }

  /** The frame with this number; without a number, the newest. */
  find(number: number | undefined): Moment | undefined {
    return number === undefined ? this.#newest : this.#moments.get(number);
  }

  clear(): void {
    this.#moments.clear();
    this.#newest = undefined;
  }
}

/** Quality of pictures when the request names none. */
const defaultQuality = 80;
/** Quality of pictures that are kept for an event. */
const recordedQuality = 85;
/** A picture takes milliseconds, so even the last in the queue is done while its requester still waits. */
const mostWaiting = 32;
/** A decode takes longer; a request that finds more than this waiting gets the model's frame at once. */
const mostDecodesWaiting = 8;
/** How long the camera's own picture is waited for, when the model's frame could replace it and when none could. */
const patienceMs = 2_500;
const longestMs = 5_000;
/**
 * The share of the machine that decoding of event pictures may use while live frames need it too, since these pictures come
 * by the dozen per second; pictures that somebody requests may use the same again.
 */
const decodingShare = 0.1;
/** Cores are for decoding; if more pictures ran than libuv has threads, they would only wait elsewhere. */
const mostRunning = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)));

/** The outcome of a request for a picture. */
export type PictureOutcome = "made" | Extract<PictureAnswer, { ok: false }>["reason"];

/** A frame as the camera sent it, and what is needed to decode it. */
export interface StreamMoment extends Moment {
  stream: PictureStream;
  decodable: Decodable;
  shape: PictureShape;
}

/** What has to be done besides decoding. */
export interface PictureShape {
  /** Whether pictures are interlaced (made of two fields). */
  interlaced: boolean;
  /** How they are turned to be upright. */
  orientation: Orientation;
  /** Areas that nobody may see. */
  masks: readonly MaskPolygon[];
}

/** The answer to a request for a picture. */
export interface AnsweredPicture {
  answer: PictureAnswer;
  /** The JPEG; empty where there is none. */
  data: Uint8Array;
  /** Whether it was made from the camera's own picture or the model's frame. */
  source?: PictureOrigin;
}

export const tooManyPictures = "too many pictures are asked for at a time; ask again";

/** Makes pictures of recent frames, only a few at a time, so that live decoding is not disturbed. */
export class Pictures {
  readonly memory: FrameMemory;
  readonly #limit = new TaskLimit(mostRunning, mostWaiting);
  readonly #decoding = new TaskLimit(mostRunning, mostDecodesWaiting);
  /** Pictures of recordings, one after another: each waits until decoding may continue. */
  readonly #recorded = new TaskLimit(1, mostDecodesWaiting);
  /** By performance.now(): until then, the model's frames are used for pictures, where there are any. */
  readonly #restUntil = { asked: 0, events: 0 };
  readonly #decoder: PictureDecoder;
  /** Limits for the compressed pictures that a camera may keep. */
  readonly streamLimits: RecentPicturesLimits;
  readonly #observe: (outcome: PictureOutcome, seconds: number) => void;
  readonly #log: Logger;

  /** `cameras`: how many share the memory. `observe` is called for each request, with the seconds it took. */
  constructor(
    limits: FrameMemoryLimits,
    decoder: PictureDecoder,
    cameras: () => number,
    observe: (outcome: PictureOutcome, seconds: number) => void,
    log: Logger,
  ) {
    this.memory = new FrameMemory(limits);
    this.#decoder = decoder;
    this.streamLimits = {
      maxAgeMs: limits.maxAgeMs,
      cameraBytes: () => Math.min(limits.cameraBytes, limits.processBytes / Math.max(1, cameras())),
    };
    this.#observe = observe;
    this.#log = log;
  }

  /** Answers a request with the picture of `moment`, else of `frame`; without either, with the reason why there is none. */
  async answer(
    request: PictureRequest,
    frame: KeptFrame | undefined,
    moment: StreamMoment | undefined,
  ): Promise<AnsweredPicture> {
    const startedAt = performance.now();
    // Otherwise the buffer would be reused for another frame while the request waits for its turn.
    frame?.buffers.share(frame.message);
    try {
      const decoded = moment && (await this.#decode(request, moment, frame !== undefined));
      const result = decoded ?? (frame ? await this.#make(request, frame) : missing(request));
      const outcome = result.answer.ok ? "made" : result.answer.reason;
      this.#observe(outcome, (performance.now() - startedAt) / 1000);
      return result;
    } finally {
      frame?.buffers.give(frame.message);
    }
  }

  /**
   * A picture of a camera's recording, requested by somebody, in the camera's own resolution.
   * @throws IngestError too_many_pictures, picture_undecodable
   */
  async recorded(
    camera: string,
    { orientation, interlaced, ...decodable }: RecordedPicture,
  ): Promise<EncodedPicture> {
    // Masks were applied before recording.
    const shape = { interlaced, orientation, masks: [] };
    const signal = AbortSignal.timeout(longestMs);
    const options = { ...shape, maxWidth: undefined, quality: recordedQuality, signal };
    try {
      return await this.#recorded.run(async () => {
        const rest = this.#restUntil.asked - performance.now();
        if (rest > 0) await delay(rest, undefined, { signal });
        return this.#decodeInTurn("asked", camera, newPictureStream(), decodable, options);
      });
    } catch (error) {
      throw error instanceof TaskLimitError || signal.aborted
        ? new IngestError("too_many_pictures", tooManyPictures, { cause: error })
        : error;
    }
  }

  /** Undefined when it cannot be decoded, or not in time, and the model's frame should replace it. */
  async #decode(
    { maxWidth, quality = defaultQuality, asked = false }: PictureRequest,
    moment: StreamMoment,
    hasFrame: boolean,
  ) {
    const { metadata, stream, decodable, shape } = moment;
    const { camera } = metadata;
    const whose = asked ? "asked" : "events";
    if (hasFrame && performance.now() < this.#restUntil[whose]) return undefined;
    const signal = AbortSignal.timeout(hasFrame ? patienceMs : longestMs);
    const options = { ...shape, maxWidth, quality, signal };
    try {
      return made(metadata, "camera", await this.#decodeInTurn(whose, camera, stream, decodable, options));
    } catch (error) {
      const isBusy = error instanceof TaskLimitError || signal.aborted;
      if (isBusy && !hasFrame) return busy();
      if (isBusy)
        this.#log.debug({ camera }, "too many pictures at the same time; this one has the model's size");
      else
        this.#log.warn(
          { camera, err: error },
          "a picture in the camera's own resolution could not be decoded",
        );
      return undefined;
    }
  }

  /** @throws TaskLimitError, IngestError picture_undecodable, and the signal's reason */
  async #decodeInTurn(
    whose: "asked" | "events",
    camera: string,
    stream: PictureStream,
    decodable: Decodable,
    options: DecodeOptions,
  ): Promise<EncodedPicture> {
    const { signal } = options;
    const decoding = this.#decoding.run(async () => {
      signal.throwIfAborted();
      const startedAt = performance.now();
      // On a busy machine a picture takes far longer than its processor time.
      let cost: number | undefined;
      try {
        const picture = await this.#decoder.decode(camera, stream, decodable, options);
        cost = picture.cpuMs;
        return picture;
      } finally {
        cost ??= performance.now() - startedAt;
        this.#restUntil[whose] = startedAt + cost / (decodingShare * availableParallelism());
      }
    });
    return abortable(decoding, signal);
  }

  async #make({ maxWidth, quality = defaultQuality }: PictureRequest, frame: KeptFrame) {
    try {
      return made(
        frame.metadata,
        "model",
        await this.#limit.run(() => encodePicture(frame, { maxWidth, quality })),
      );
    } catch (error) {
      if (error instanceof TaskLimitError) return busy();
      const { camera } = frame.metadata;
      this.#log.error({ camera, err: error }, "a picture failed");
      return refused("failed", "the picture could not be made; ingest's log says more");
    }
  }
}

function made(
  metadata: KeptFrame["metadata"],
  source: PictureOrigin,
  { data, width, height }: EncodedPicture,
): AnsweredPicture {
  const { epoch, number, captureTime, ptsUs } = metadata;
  const captureTimeMs = captureTime ? fromTimestamp(captureTime) : 0;
  return { answer: { ok: true, epoch, number, captureTimeMs, ptsUs, width, height }, data, source };
}

function busy() {
  return refused("busy", tooManyPictures);
}

function missing({ epoch, number }: PictureRequest) {
  return epoch === undefined && number === undefined
    ? refused("no_frame", "the camera has given no frame to a worker lately")
    : refused("gone", "the frame is not in memory any more, or was never given to a worker");
}

/** An answer that gives the reason why there is no picture. */
export function refused(
  reason: Extract<PictureAnswer, { ok: false }>["reason"],
  message: string,
): AnsweredPicture {
  return { answer: { ok: false, reason, message }, data: new Uint8Array() };
}
