import {
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVERROR_INVALIDDATA,
} from "node-av/constants";
import { Codec, CodecContext, FFmpegError, Frame, Packet } from "node-av/lib";
import type { DecodeRequest, SentPicture } from "./decoder-messages.ts";

const codecIds = { H264: AV_CODEC_ID_H264, H265: AV_CODEC_ID_HEVC } as const;

/**
 * Decodes pictures of one connection, starting with a key picture; it can continue with later pictures of the same group.
 */
export class StreamDecoder {
  readonly #context: CodecContext;
  /** Arrival times of the decoded pictures, by presentation time. */
  readonly #decoded = new Map<number, number>();
  #keyUs: number | undefined;
  #newestAt = 0;
  /** True when its last pictures were flushed out: it has lost what the next ones need. */
  #drained = false;

  /** @throws when FFmpeg cannot open the decoder */
  constructor(codec: DecodeRequest["codec"]) {
    const decoder = Codec.findDecoder(codecIds[codec]);
    if (!decoder) throw new Error(`this FFmpeg has no decoder for ${codec}`);
    this.#context = new CodecContext();
    this.#context.allocContext3(decoder);
    // More threads use more CPU in total, and delay pictures.
    this.#context.threadCount = 1;
    FFmpegError.throwIfError(this.#context.open2Sync(decoder, null), "open");
  }

  /** Whether it cannot continue. */
  get drained(): boolean {
    return this.#drained;
  }

  /** The pictures that remain to be decoded for the last of these; undefined when only a new decoder can decode it. */
  left(pictures: readonly SentPicture[]): readonly SentPicture[] | undefined {
    const isKnown = ({ ptsUs, arrivedAt }: SentPicture) => this.#decoded.get(ptsUs) === arrivedAt;
    const key = pictures[0]!;
    if (this.#drained || key.ptsUs !== this.#keyUs || !isKnown(key)) return undefined;
    const later = pictures.filter((picture) => !isKnown(picture));
    // All remaining pictures come after all decoded ones. Decoded pictures that are not in this list are not needed as
    // references.
    return later.length > 0 &&
      later.at(-1) === pictures.at(-1) &&
      later.every(({ arrivedAt }) => arrivedAt > this.#newestAt)
      ? later
      : undefined;
  }

  /**
   * Decodes these pictures; the frame belongs to the last of them, and the caller frees it.
   * @param head comes before the first, a key picture; undefined when the decoder continues
   * @throws when the decoder gives no such frame
   */
  async decode(pictures: readonly SentPicture[], head: Uint8Array | undefined): Promise<Frame> {
    const wanted = BigInt(pictures.at(-1)!.ptsUs);
    let found: Frame | undefined;
    const keep = (frame: Frame) => {
      if (frame.pts === wanted && !found) found = frame.clone() ?? undefined;
    };
    let fault = 0;
    for (const [i, picture] of pictures.entries()) {
      const code = await this.#send(picture, i === 0 ? head : undefined);
      if (code < 0) fault = code;
      this.#decoded.set(picture.ptsUs, picture.arrivedAt);
      this.#keyUs ??= picture.ptsUs;
      this.#newestAt = picture.arrivedAt;
      this.#receive(keep);
    }
    if (!found) {
      // It holds pictures back for reordering.
      this.#drained = true;
      await this.#context.sendPacket(null);
      this.#receive(keep);
    }
    if (found) return found;
    throw new Error(fault < 0 ? new FFmpegError(fault).message : "FFmpeg gave no picture with that time");
  }

  close(): void {
    this.#drained = true;
    this.#context.freeContext();
  }

  /** Returns FFmpeg's code. A damaged picture is not an error here: others may be intact. */
  async #send({ data, ptsUs }: SentPicture, head: Uint8Array | undefined): Promise<number> {
    const packet = new Packet();
    packet.alloc();
    try {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      packet.data = head ? Buffer.concat([head, bytes]) : bytes;
      packet.pts = BigInt(ptsUs);
      packet.isKeyframe = head !== undefined;
      const code = await this.#context.sendPacket(packet);
      if (code < 0 && code !== AVERROR_INVALIDDATA) FFmpegError.throwIfError(code, "decode");
      return code;
    } finally {
      packet.free();
    }
  }

  #receive(take: (frame: Frame) => void): void {
    const frame = new Frame();
    frame.alloc();
    try {
      for (;;) {
        const code = this.#context.receiveFrameSync(frame);
        if (code === AVERROR_EAGAIN || code === AVERROR_EOF || code === AVERROR_INVALIDDATA) return;
        FFmpegError.throwIfError(code, "decode");
        take(frame);
        frame.unref();
      }
    } finally {
      frame.free();
    }
  }
}
