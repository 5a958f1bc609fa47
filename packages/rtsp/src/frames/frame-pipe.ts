import type { Writable } from "node:stream";
import { CameraFaultError } from "../camera-fault.ts";
import type { CameraWay, WaySource } from "../camera-way.ts";
import { rtpChannel } from "../session/rtp-transport.ts";
import type { SdpTrack } from "../session/sdp.ts";
import { frameArguments } from "./frame-arguments.ts";
import { type CodedFrame, FrameAssembler } from "./frame-assembler.ts";
import { ivfFrameHead, ivfHead } from "./ivf.ts";
import { type NalTrack, nalTrack } from "./nal-track.ts";

/**
 * Gives ffmpeg the pictures of a track whole, one by one, through its stdin: it decodes each at once, where it would hold one back
 * until the next begins if it took the stream apart itself.
 */
export class FramePipe implements CameraWay {
  readonly inputArguments: readonly string[];
  readonly ended: Promise<void>;
  /** Is told of each picture, and of the time by which the decoder knows it. */
  onFrame: ((frame: CodedFrame, decoderTicks: number) => void) | undefined;
  readonly #end = Promise.withResolvers<void>();
  readonly #assembler: FrameAssembler;
  readonly #source: WaySource;
  readonly #track: NalTrack;
  #sink: Writable | undefined;
  #finished = false;
  #lastTicks: number | undefined;
  #decoderTicks = 0;

  private constructor(track: NalTrack, source: WaySource) {
    this.inputArguments = frameArguments(track.codec);
    this.ended = this.#end.promise;
    this.#track = track;
    this.#source = source;
    this.#assembler = new FrameAssembler(track.codec, track.parameterSets, (frame) => this.#give(frame));
  }

  /** Undefined for a track that this cannot take apart. */
  static of(track: SdpTrack, source: WaySource): FramePipe | undefined {
    const nal = nalTrack(track);
    return nal && new FramePipe(nal, source);
  }

  get ticksPerSecond(): number {
    return this.#track.ticksPerSecond;
  }

  /** Whether parameter sets are known. */
  get hasParameters(): boolean {
    return this.#assembler.hasParameters;
  }

  /** See FrameAssembler. */
  keepOrientation(): void {
    this.#assembler.keepsOrientation = true;
  }

  feed(stdin: Writable): void {
    this.#sink = stdin;
    stdin
      .on("error", () => undefined)
      .on("drain", () => this.#source.drained())
      .once("close", () => this.close());
    stdin.write(ivfHead(this.#track.codec, this.#track.ticksPerSecond));
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
    this.#assembler.push(packet.subarray(4), arrivedAt);
    return !this.#sink?.writableNeedDrain;
  }

  finish(): void {
    this.#finished = true;
    this.#assembler.end();
    if (this.#sink) this.#sink.end();
    else this.#end.resolve();
  }

  close(): void {
    this.#finished = true;
    this.#sink?.destroy();
    this.#end.resolve();
  }

  #give(frame: CodedFrame): void {
    const sink = this.#sink;
    if (!sink || sink.destroyed || sink.writableEnded) return;
    // Where the camera's time stands still, each picture is still known by a time of its own.
    this.#decoderTicks = frame.ticks === this.#lastTicks ? this.#decoderTicks + 1 : frame.ticks;
    this.#lastTicks = frame.ticks;
    this.onFrame?.(frame, this.#decoderTicks);
    sink.cork();
    sink.write(ivfFrameHead(frame.data.length, this.#decoderTicks));
    sink.write(frame.data);
    sink.uncork();
  }
}
