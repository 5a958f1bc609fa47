import type { Writable } from "node:stream";
import { CameraFaultError } from "../camera-fault.ts";
import type { CameraWay, WaySource } from "../camera-way.ts";
import { rtpChannel } from "../session/rtp-transport.ts";
import type { SdpTrack } from "../session/sdp.ts";
import { type CodedFrame, FrameAssembler } from "./frame-assembler.ts";
import { frameArguments, ivfFrameHead, ivfHead, type PictureCodec } from "./ivf.ts";
import { nalTrack } from "./nal-units.ts";

/**
 * Gives ffmpeg complete pictures one by one through its stdin, so it decodes each at once. If ffmpeg parsed the stream itself, it would
 * hold each picture back until the next one begins.
 */
export class FramePipe implements CameraWay {
  readonly inputArguments: readonly string[];
  readonly ended: Promise<void>;
  /** Called with each picture, and with the time that the decoder uses for it. */
  onFrame: ((frame: CodedFrame, decoderTicks: number) => void) | undefined;
  readonly #end = Promise.withResolvers<void>();
  /** Only for a source that sends packets. */
  readonly #assembler: FrameAssembler | undefined;
  readonly #source: WaySource;
  readonly #codec: PictureCodec;
  readonly ticksPerSecond: number;
  #sink: Writable | undefined;
  #finished = false;
  #lastTicks: number | undefined;
  #decoderTicks = 0;

  private constructor(
    codec: PictureCodec,
    ticksPerSecond: number,
    source: WaySource,
    assembler?: (give: (frame: CodedFrame) => void) => FrameAssembler,
  ) {
    this.inputArguments = frameArguments(codec);
    this.ended = this.#end.promise;
    this.#codec = codec;
    this.ticksPerSecond = ticksPerSecond;
    this.#source = source;
    this.#assembler = assembler?.((frame) => void this.give(frame));
  }

  /** Undefined for a codec that this class cannot split into pictures. */
  static of(track: SdpTrack, source: WaySource): FramePipe | undefined {
    const nal = nalTrack(track);
    if (!nal) return undefined;
    const { codec, parameterSets, ticksPerSecond } = nal;
    return new FramePipe(
      codec,
      ticksPerSecond,
      source,
      (give) => new FrameAssembler(codec, parameterSets, give),
    );
  }

  /** For a source that has complete pictures; each is passed to `give`. */
  static ofPictures(codec: PictureCodec, ticksPerSecond: number, source: WaySource): FramePipe {
    return new FramePipe(codec, ticksPerSecond, source);
  }

  /** Whether parameter sets are known. */
  get hasParameters(): boolean {
    return this.#assembler?.hasParameters ?? true;
  }

  /** See FrameAssembler. */
  ticksAt(timestamp: number): number | undefined {
    return this.#assembler?.ticksAt(timestamp);
  }

  /** See FrameAssembler. */
  keepOrientation(): void {
    if (this.#assembler) this.#assembler.keepsOrientation = true;
  }

  feed(stdin: Writable): void {
    this.#sink = stdin;
    stdin
      .on("error", () => undefined)
      .on("drain", () => this.#source.drained())
      .once("close", () => this.close());
    stdin.write(ivfHead(this.#codec, this.ticksPerSecond));
    if (this.#finished) stdin.end();
    else
      this.#source.play().catch((error: unknown) => {
        if (!(error instanceof CameraFaultError)) throw error;
        this.close();
      });
  }

  get backlog(): number {
    return this.#sink?.writableLength ?? 0;
  }

  push(packet: Buffer, arrivedAt: number): boolean {
    if (packet[1] !== rtpChannel) return true;
    this.#assembler?.push(packet.subarray(4), arrivedAt);
    return !this.#sink?.writableNeedDrain;
  }

  finish(): void {
    this.#finished = true;
    this.#assembler?.end();
    if (this.#sink) this.#sink.end();
    else this.#end.resolve();
  }

  close(): void {
    this.#finished = true;
    this.#sink?.destroy();
    this.#end.resolve();
  }

  /** Passes on a complete picture; returns false when ffmpeg is slow and the source should wait for `drained`. */
  give(frame: CodedFrame): boolean {
    const sink = this.#sink;
    if (!sink || sink.destroyed || sink.writableEnded) return true;
    // If the camera's time stands still, each picture still gets a unique time.
    this.#decoderTicks = frame.ticks === this.#lastTicks ? this.#decoderTicks + 1 : frame.ticks;
    this.#lastTicks = frame.ticks;
    this.onFrame?.(frame, this.#decoderTicks);
    sink.cork();
    sink.write(ivfFrameHead(frame.data.length, this.#decoderTicks));
    sink.write(frame.data);
    sink.uncork();
    return !sink.writableNeedDrain;
  }
}
