import type { Decodable } from "@sightline/recording";
import { abortable } from "@sightline/service";
import { IngestError } from "../../errors.ts";
import { type DecodeOptions, jpegFilters, qualityScale, uprightWholeFilters } from "../decode-picture.ts";
import { type KeptPicture, RunningDecoder, type RunningDecoderOptions } from "./running-decoder.ts";

export interface KeptDecoderOptions extends RunningDecoderOptions {
  /** The process ends when it gets no request for this long: then it costs nothing. Default: a minute. */
  idleMs?: number | undefined;
}

/** One process that decodes pictures for all cameras. It is started when needed, and again after it has ended. */
export class KeptDecoder {
  readonly #options: KeptDecoderOptions;
  #running: RunningDecoder | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;
  #stopped = false;

  constructor(options: KeptDecoderOptions) {
    this.#options = options;
  }

  /** The process id, while the process runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /**
   * The last of these progressive pictures as JPEG, as displayed and in the camera's own resolution.
   * @param stream names the connection: its pictures form one sequence, so the decoder may continue from earlier ones
   * @param ended is called when the process ended because of this picture, also after `signal` has aborted
   * @throws IngestError picture_undecodable or one of the decoder, and the signal's reason
   */
  async decode(
    stream: number,
    { codec, pictures, parameterSets }: Decodable,
    { interlaced, quality, signal, ...look }: DecodeOptions,
    ended: (error: IngestError) => void = () => undefined,
  ): Promise<KeptPicture> {
    if (this.#stopped) throw new IngestError("decoder_unavailable", "the service is stopping");
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    this.#running ??= this.#start();
    const running = this.#running;
    const picture = running.ask({
      ...{ id: this.#nextId++, stream, codec, parameterSets },
      pictures: pictures.map(({ data, ptsUs, arrivedAt }) => ({ data, ptsUs, arrivedAt })),
      filters: [...uprightWholeFilters(interlaced, look), ...jpegFilters(look)].join(","),
      qualityScale: qualityScale(quality),
    });
    // Also when nobody waits for it any more.
    void picture
      .catch((error) => {
        if (error instanceof IngestError && error.code === "decoder_ended" && !this.#stopped) ended(error);
      })
      .then(() => this.#rest(running));
    return abortable(picture, signal);
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
      // Later requests get another process.
      this.#forget(running);
      void running.kill();
    }, this.#options.idleMs ?? 60_000);
  }

  #forget(running: RunningDecoder): void {
    if (this.#running === running) this.#running = undefined;
  }
}
