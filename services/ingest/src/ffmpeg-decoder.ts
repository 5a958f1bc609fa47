import type { Writable } from "node:stream";
import { DropReason, limits } from "@sightline/contracts";
import type { Decoding, FfmpegProgram, MaskPolygon, Orientation } from "@sightline/media";
import { type ArrivedPicture, type FfmpegReport, FfmpegReportReader } from "@sightline/rtsp";
import { type Logger, redact } from "@sightline/service";
import type { AnalysisGeometry } from "./analysis-geometry.ts";
import { decoderArguments } from "./ffmpeg-arguments.ts";
import { FfmpegProcess } from "./ffmpeg-process.ts";
import { type FrameBuffers, PixelReader } from "./frame-buffers.ts";
import { type ArrivalSource, type ArrivedFrame, FrameIntake } from "./frame-intake.ts";
import type { Ledger } from "./ledger.ts";

const keptLines = 8;
/**
 * A start costs a tenth of a second of processor time; an ffmpeg that reports nothing for this long is waiting for its
 * input.
 */
const startMs = 1_000;

/** How a decoder ended. */
export interface DecoderEnd {
  /** Undefined when ffmpeg could not be started or was killed. */
  exitCode: number | undefined;
  /** ffmpeg's last output lines, redacted. */
  lastLines: readonly string[];
}

/** A camera's stream, as ffmpeg reads it (CameraStream). */
export interface DecoderInput {
  readonly inputArguments: readonly string[];
  feed(stdin: Writable): void;
  /**
   * Called for each compressed picture that has arrived. If it is never called, ffmpeg reports the packets that it read.
   */
  onFrame?: (picture: ArrivedPicture) => void;
}

type Arrival = Pick<ArrivedPicture, "key" | "arrivedAt"> & {
  ptsUs: number | undefined;
  decoderPtsUs?: number;
};

/** What a decoder reports while it runs. */
export interface DecoderEvents {
  /** ffmpeg is running. */
  started(): void;
  /** A compressed picture has arrived in full; not called for codecs whose packets ffmpeg splits itself. */
  arrived?(picture: ArrivedPicture): void;
  /** A compressed frame has arrived (`arrivedAt` by performance.now()); `counted` when it is part of the account. */
  packet(event: { key: boolean; counted: boolean; arrivedAt: number }): void;
  /** A picture was decoded: its size as displayed, and whether it is interlaced (made of two fields). */
  picture(picture: { width: number; height: number; interlaced: boolean }): void;
  /** ffmpeg has read the beginning of the stream. */
  codec(name: string): void;
  /** A frame is in memory, after the room for its header; the receiver owns the buffer. */
  frame(frame: ArrivedFrame, message: Uint8Array<ArrayBuffer>): void;
}

/** Waits for a turn to start. Returns the function that ends the turn, or undefined when `signal` aborts first. */
export type StartTurn = (signal: AbortSignal) => Promise<(() => void) | undefined>;

/** One ffmpeg process that receives, decodes and scales one camera's video. It does not restart itself. */
export class FfmpegDecoder {
  /** Resolves when the process has ended and all its output has been taken. */
  readonly ended: Promise<DecoderEnd>;
  readonly #intake: FrameIntake;
  readonly #buffers: FrameBuffers;
  readonly #sampling: boolean;
  readonly #events: DecoderEvents;
  readonly #log: Logger;
  readonly #lastLines: string[] = [];
  readonly #completed: Uint8Array<ArrayBuffer>[] = [];
  readonly #stopping = new AbortController();
  #process: FfmpegProcess | undefined;

  constructor(
    options: {
      ffmpeg: FfmpegProgram;
      /** What ffmpeg decodes. */
      stream: DecoderInput;
      /** Frames per second to pass on; 0 passes all. */
      targetFps: number;
      /** Deinterlace: make one picture of two fields. */
      interlaced: boolean;
      /** How pictures are turned to be upright. */
      orientation: Orientation;
      /** Areas that are made black. */
      masks: readonly MaskPolygon[];
      decoding: Decoding;
      geometry: AnalysisGeometry;
      ledger: Ledger;
      buffers: FrameBuffers;
      start: StartTurn;
    },
    events: DecoderEvents,
    log: Logger,
  ) {
    this.#intake = new FrameIntake(options.ledger);
    this.#buffers = options.buffers;
    this.#sampling = options.targetFps > 0;
    this.#events = events;
    this.#log = log;
    this.ended = this.#run(options);
  }

  /** Ends the process. Its frames that are not yet in memory count as stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.ended;
  }

  async #run(options: {
    ffmpeg: FfmpegProgram;
    stream: DecoderInput;
    targetFps: number;
    interlaced: boolean;
    orientation: Orientation;
    masks: readonly MaskPolygon[];
    decoding: Decoding;
    geometry: AnalysisGeometry;
    start: StartTurn;
  }): Promise<DecoderEnd> {
    const stopping = this.#stopping.signal;
    const startOver = await options.start(stopping);
    if (!startOver) return { exitCode: undefined, lastLines: [] };
    const pixels = new PixelReader(this.#buffers, limits.frameHeaderBytes, (buffer) => {
      this.#completed.push(buffer);
      this.#match();
    });
    const reader = new FfmpegReportReader((each) => this.#report(each));
    // Reports must not wait where only they tell when a picture arrived.
    let knowsArrivals = false;
    let hasPixels = false;
    options.stream.onFrame = (picture) => {
      knowsArrivals = true;
      this.#events.arrived?.(picture);
      this.#arrived(picture, "packets");
    };
    let exitCode: number | undefined;
    const startTimer = setTimeout(startOver, startMs);
    try {
      this.#process = await FfmpegProcess.start({
        ffmpeg: options.ffmpeg,
        arguments: decoderArguments(options.stream.inputArguments, options.geometry, options),
        gpu: options.decoding.decoder !== "software",
        feed: (stdin) => options.stream.feed(stdin),
        target: () => pixels.target(),
        received: (bytes) => {
          hasPixels = true;
          return pixels.received(bytes);
        },
        reportWaits: () => knowsArrivals && hasPixels,
        report: (text) => {
          startOver();
          reader.write(text);
        },
      });
      this.#events.started();
      if (stopping.aborted) void this.#process.stop();
      exitCode = await this.#process.ended;
    } catch (error) {
      this.#lastLines.push((error as Error).message);
    } finally {
      clearTimeout(startTimer);
      startOver();
    }
    reader.end();
    options.stream.onFrame = () => undefined;
    this.#intake.end(stopping.aborted ? DropReason.CAMERA_STOPPED : DropReason.DECODE_ERROR);
    return { exitCode, lastLines: this.#lastLines };
  }

  #report(report: FfmpegReport): void {
    switch (report.kind) {
      case "packet":
        this.#arrived({ ...report, arrivedAt: performance.now() }, "report");
        break;
      case "decoded":
        if (this.#intake.decoded(report.ptsUs, report.width, report.height, performance.now()))
          this.#events.packet({ key: false, counted: true, arrivedAt: performance.now() });
        if (!this.#sampling) this.#sampled();
        this.#events.picture(report);
        break;
      case "sampled":
        this.#sampled();
        break;
      case "codec":
        this.#events.codec(report.codec);
        break;
      case "message":
        this.#message(redact(report.text));
    }
  }

  #arrived({ ptsUs, decoderPtsUs, key, arrivedAt }: Arrival, source: ArrivalSource): void {
    const counted = this.#intake.packet(ptsUs, key, arrivedAt, source, decoderPtsUs);
    this.#events.packet({ key, counted, arrivedAt });
  }

  #sampled(): void {
    this.#intake.sampled();
    this.#match();
  }

  /** Report and pixels come over two channels; a frame is complete when both are here. */
  #match(): void {
    while (this.#intake.awaitsPixels && this.#completed.length > 0) {
      const message = this.#completed.shift();
      const frame = this.#intake.pixels();
      if (!message) return;
      if (frame) this.#events.frame(frame, message);
      else this.#buffers.give(message);
    }
  }

  #message(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > keptLines) this.#lastLines.shift();
    this.#log.debug({ ffmpeg: line }, "ffmpeg says");
  }
}
