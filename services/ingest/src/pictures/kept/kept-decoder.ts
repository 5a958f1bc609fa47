import type { Decodable } from "@sightline/recording";
import { type DecodeOptions, jpegFilters, qualityScale, uprightWholeFilters } from "../decode-picture.ts";
import {
  DecoderEndedError,
  DecoderUnavailableError,
  type KeptPicture,
  RunningDecoder,
  type RunningDecoderOptions,
} from "./running-decoder.ts";

export interface KeptDecoderOptions extends RunningDecoderOptions {
  /** A process that nobody has asked for so long ends: it costs nothing then. Default: a minute. */
  idleMs?: number | undefined;
}

/** One process that decodes pictures for all cameras. It is started when it is needed, also after it has ended. */
export class KeptDecoder {
  readonly #options: KeptDecoderOptions;
  #running: RunningDecoder | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;
  #stopped = false;

  constructor(options: KeptDecoderOptions) {
    this.#options = options;
  }

  /** The process, while there is one. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /**
   * The last of these pictures, which are progressive, as JPEG, as it is shown and in the camera's own resolution.
   * @param stream names the connection: its pictures are parts of one sequence, in which the decoder may go on
   * @param ended is told when the process ended on this picture, also after `signal` has aborted
   * @throws DecodePictureError, DecoderUnavailableError, DecoderEndedError, and the signal's reason
   */
  async decode(
    stream: number,
    { codec, pictures, parameterSets }: Decodable,
    { interlaced, quality, signal, ...look }: DecodeOptions,
    ended: (error: DecoderEndedError) => void = () => undefined,
  ): Promise<KeptPicture> {
    if (this.#stopped) throw new DecoderUnavailableError("the service is stopping");
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    this.#running ??= this.#start();
    const running = this.#running;
    const late = Promise.withResolvers<never>();
    const abort = () => late.reject(signal.reason);
    signal.addEventListener("abort", abort);
    const picture = running.ask({
      ...{ id: this.#nextId++, stream, codec, parameterSets },
      pictures: pictures.map(({ data, ptsUs, arrivedAt }) => ({ data, ptsUs, arrivedAt })),
      filters: [...uprightWholeFilters(interlaced, look), ...jpegFilters(look)].join(","),
      qualityScale: qualityScale(quality),
    });
    // Also when nobody waits for it any more.
    void picture
      .catch((error) => {
        if (error instanceof DecoderEndedError && !error.byAnother && !this.#stopped) ended(error);
      })
      .then(() => this.#rest(running));
    try {
      return await Promise.race([picture, late.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#idle);
    await this.#running?.kill();
  }

  #start(): RunningDecoder {
    const running: RunningDecoder = new RunningDecoder(this.#options, () => this.#forget(running));
    return running;
  }

  #rest(running: RunningDecoder): void {
    if (this.#running !== running || !running.idle || this.#stopped) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      // Who asks from now on gets another.
      this.#forget(running);
      void running.kill();
    }, this.#options.idleMs ?? 60_000);
  }

  #forget(running: RunningDecoder): void {
    if (this.#running === running) this.#running = undefined;
  }
}
