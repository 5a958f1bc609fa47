import type { FfmpegProgram } from "@sightline/media";
import type { Decodable } from "@sightline/recording";
import type { Logger } from "@sightline/service";
import type { IngestError } from "../errors.ts";
import { type DecodeOptions, decodePicture } from "./decode-picture.ts";
import type { EncodedPicture } from "./encode-picture.ts";
import { KeptDecoder } from "./kept/kept-decoder.ts";

/** What decoded a picture: the kept process, or an ffmpeg for this picture alone and why. */
export const pictureDecoders = ["kept", "ffmpeg_interlaced", "ffmpeg_unavailable", "ffmpeg_failed"] as const;
export type PictureDecoderName = (typeof pictureDecoders)[number];

/** If the process cannot run, it is tried again after this long: memory or processes may have been short. */
const retryMs = 10 * 60_000;
/** After this many failures of the process on a connection's pictures, only ffmpeg decodes them. */
const mostFailures = 2;

/** One connection of a camera; a new object for each. */
export interface PictureStream {
  /** Different for each connection of the process. */
  readonly id: number;
}

let streams = 0;

/** A stream that differs from every other of this process. */
export function newPictureStream(): PictureStream {
  return { id: streams++ };
}

/** Decodes single pictures in a kept process; where that is not possible, with one ffmpeg for each. */
export class PictureDecoder {
  readonly #ffmpeg: FfmpegProgram;
  readonly #kept: KeptDecoder;
  readonly #observe: (decoder: PictureDecoderName) => void;
  readonly #log: Logger;
  /** Failures of the process for each connection, except those that were the picture's own fault. */
  readonly #failures = new WeakMap<PictureStream, number>();
  #unavailableUntil = Number.NEGATIVE_INFINITY;
  #unavailable = "";

  /** `observe` is called with what decoded each picture. `entry`: the kept process's program. */
  constructor(
    ffmpeg: FfmpegProgram,
    observe: (decoder: PictureDecoderName) => void,
    log: Logger,
    entry?: URL,
  ) {
    this.#ffmpeg = ffmpeg;
    this.#kept = new KeptDecoder({ memoryMib: ffmpeg.memoryMib, entry });
    this.#observe = observe;
    this.#log = log;
  }

  /** The id of the kept process, while it runs. */
  get pid(): number | undefined {
    return this.#kept.pid;
  }

  /**
   * The last of these pictures as JPEG, as displayed and in the camera's own resolution, and the processor time that it
   * used where that is known, in milliseconds.
   * @throws IngestError picture_undecodable, and the signal's reason
   */
  async decode(
    camera: string,
    stream: PictureStream,
    decodable: Decodable,
    options: DecodeOptions,
  ): Promise<EncodedPicture & { cpuMs?: number }> {
    let why = this.#whyNot(stream, options);
    let fault: IngestError | undefined;
    if (!why) {
      try {
        // A hanging process ends after its requester has stopped waiting.
        const ended = (error: Error) => this.#failed(camera, stream, error);
        const picture = await this.#kept.decode(stream.id, decodable, options, ended);
        this.#observe("kept");
        return picture;
      } catch (error) {
        if (options.signal.aborted) throw error;
        fault = error as IngestError;
        why = fault.code === "decoder_unavailable" ? this.#cannotRun(fault) : "ffmpeg_failed";
      }
    }
    const picture = await decodePicture(decodable, this.#ffmpeg, options);
    // If ffmpeg fails too, the picture is the cause.
    if (fault?.code === "picture_undecodable") this.#failed(camera, stream, fault);
    this.#observe(why);
    return picture;
  }

  async stop(): Promise<void> {
    await this.#kept.stop();
  }

  #whyNot(stream: PictureStream, { interlaced }: DecodeOptions): PictureDecoderName | undefined {
    if (interlaced) return "ffmpeg_interlaced";
    if (performance.now() < this.#unavailableUntil) return "ffmpeg_unavailable";
    return (this.#failures.get(stream) ?? 0) >= mostFailures ? "ffmpeg_failed" : undefined;
  }

  #failed(camera: string, stream: PictureStream, error: Error): void {
    const failures = (this.#failures.get(stream) ?? 0) + 1;
    this.#failures.set(stream, failures);
    if (failures === 1)
      this.#log.warn(
        { camera, err: error },
        "the process that decodes pictures failed on a picture; a separate ffmpeg decodes it",
      );
  }

  #cannotRun(error: Error): PictureDecoderName {
    this.#unavailableUntil = performance.now() + retryMs;
    if (error.message !== this.#unavailable)
      this.#log.warn(
        { err: error },
        "the process that decodes pictures cannot run; a separate ffmpeg decodes each picture, which takes more CPU time",
      );
    this.#unavailable = error.message;
    return "ffmpeg_unavailable";
  }
}
