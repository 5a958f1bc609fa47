import { availableParallelism } from "node:os";
import { fromTimestamp, type PictureAnswer, type PictureRequest } from "@sightline/contracts";
import type { Decodable, RecentPicturesLimits } from "@sightline/recording";
import type { FfmpegProgram } from "@sightline/rtsp";
import { type Logger, TaskLimit, TaskLimitError } from "@sightline/service";
import { decodePicture } from "./decode-picture.ts";
import { type EncodedPicture, encodePicture } from "./encode-picture.ts";
import { FrameMemory, type FrameMemoryLimits, type KeptFrame } from "./frame-memory.ts";
import type { Moment } from "./handed-moments.ts";

/** Quality of pictures for which none is asked. */
const defaultQuality = 80;
/** A picture takes milliseconds, so the last in the line still comes within the time that is waited for it. */
const mostWaiting = 32;
/** Cores are for decoding; more pictures at a time than libuv has threads only wait elsewhere. */
const mostRunning = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)));

/** What became of a request for a picture. */
export type PictureOutcome = "made" | Extract<PictureAnswer, { ok: false }>["reason"];

/** A frame as the camera sent it, and what it takes to decode it. */
export interface StreamMoment extends Moment {
  decodable: Decodable;
  interlaced: boolean;
}

/** Makes pictures of recent frames, a few at a time, so that decoding is not disturbed. */
export class Pictures {
  readonly memory: FrameMemory;
  readonly #limit = new TaskLimit(mostRunning, mostWaiting);
  readonly #ffmpeg: FfmpegProgram;
  /** Of the compressed pictures that a camera may keep. */
  readonly streamLimits: RecentPicturesLimits;
  readonly #observe: (outcome: PictureOutcome, seconds: number) => void;
  readonly #log: Logger;

  /** `cameras`: how many share the memory. `observe` is told of each request, with the seconds it took. */
  constructor(
    limits: FrameMemoryLimits,
    ffmpeg: FfmpegProgram,
    cameras: () => number,
    observe: (outcome: PictureOutcome, seconds: number) => void,
    log: Logger,
  ) {
    this.memory = new FrameMemory(limits);
    this.#ffmpeg = ffmpeg;
    this.streamLimits = {
      maxAgeMs: limits.maxAgeMs,
      cameraBytes: () => Math.min(limits.cameraBytes, limits.processBytes / Math.max(1, cameras())),
    };
    this.#observe = observe;
    this.#log = log;
  }

  /** Answers a request with the picture of `moment`, else of `frame`; without either, with why there is none. */
  async answer(
    request: PictureRequest,
    frame: KeptFrame | undefined,
    moment: StreamMoment | undefined,
  ): Promise<{ answer: PictureAnswer; data: Uint8Array }> {
    const startedAt = performance.now();
    const decoded = moment && (await this.#decode(request, moment));
    const result = decoded ?? (frame ? await this.#make(request, frame) : missing(request));
    this.#observe(result.answer.ok ? "made" : result.answer.reason, (performance.now() - startedAt) / 1000);
    return result;
  }

  /** Undefined when it cannot be decoded: the model's frame takes its place. */
  async #decode({ maxWidth, quality = defaultQuality }: PictureRequest, moment: StreamMoment) {
    const { metadata, decodable, interlaced } = moment;
    const options = { ffmpeg: this.#ffmpeg, interlaced, maxWidth, quality };
    try {
      return made(metadata, await this.#limit.run(() => decodePicture(decodable, options)));
    } catch (error) {
      if (error instanceof TaskLimitError) return busy();
      const words = (error as Error).message;
      this.#log.warn(
        { camera: metadata.camera, error: words },
        "a picture of the camera's own could not be decoded",
      );
      return undefined;
    }
  }

  async #make({ maxWidth, quality = defaultQuality }: PictureRequest, frame: KeptFrame) {
    const { metadata, message, buffers } = frame;
    buffers.share(message);
    try {
      return made(metadata, await this.#limit.run(() => encodePicture(frame, { maxWidth, quality })));
    } catch (error) {
      if (error instanceof TaskLimitError) return busy();
      this.#log.error({ camera: metadata.camera, error: (error as Error).message }, "a picture failed");
      return refused("failed", "the picture could not be made; the log of ingest says more");
    } finally {
      buffers.give(message);
    }
  }
}

function made(metadata: KeptFrame["metadata"], { data, width, height }: EncodedPicture) {
  const { epoch, number, captureTime, ptsUs } = metadata;
  const captureTimeMs = captureTime ? fromTimestamp(captureTime) : 0;
  return { answer: { ok: true as const, epoch, number, captureTimeMs, ptsUs, width, height }, data };
}

function busy() {
  return refused("busy", "too many pictures are asked for at a time; ask again");
}

function missing({ epoch, number }: PictureRequest) {
  return epoch === undefined && number === undefined
    ? refused("no_frame", "the camera has given no frame to a worker lately")
    : refused("gone", "the frame is not in memory any more, or was never given to a worker");
}

/** An answer that says why there is no picture. */
export function refused(reason: Extract<PictureAnswer, { ok: false }>["reason"], message: string) {
  return { answer: { ok: false as const, reason, message }, data: new Uint8Array() };
}
