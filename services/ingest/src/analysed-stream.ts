import { type Backoff, CameraReason, frameMessageBytes, pixelFormatOf } from "@sightline/contracts";
import type {
  DecodeChoice,
  Decoding,
  DecodingMachine,
  FfmpegProgram,
  HardwareDecoder,
  Orientation,
} from "@sightline/media";
import type { CodedSound } from "@sightline/recording";
import type { CameraAccess, CameraFault, StreamSound } from "@sightline/rtsp";
import type { Logger } from "@sightline/service";
import type { SteadyWallClock } from "@sightline/service/clock";
import type { AnalysisGeometry } from "./analysis-geometry.ts";
import { SoundTrial, steadyMs } from "./camera-connection.ts";
import type { IngestCamera } from "./camera-settings.ts";
import type { DecoderEvents } from "./ffmpeg-decoder.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { describeFrame } from "./frame-metadata.ts";
import { FrameRhythm } from "./frame-rhythm.ts";
import { uncounted } from "./ledger.ts";
import type { CameraEpoch, OfferedFrames } from "./offered-frames.ts";
import { PictureForm } from "./picture-form.ts";
import type { PictureSubject } from "./pictures/picture-subject.ts";
import type { PictureShape } from "./pictures/pictures.ts";
import type { VideoSource } from "./recording/video-source.ts";
import type { StartLimit } from "./start-limit.ts";
import type { StreamFacts } from "./stream-facts.ts";
import { runSession } from "./stream-session.ts";

/** How the cameras of a process are connected and decoded. */
export interface StreamContext {
  ffmpeg: FfmpegProgram;
  /** Where cameras may be. */
  access: CameraAccess;
  stallMs: number;
  /** The decoder for cameras that do not name one. */
  decode: DecodeChoice;
  /** Which decoders can run on this machine. */
  decodingMachine: () => DecodingMachine;
  /** Called for each frame that is in memory, with the seconds since it arrived. */
  decoded: (camera: string, seconds: number) => void;
  limits: {
    /** Limits how many cameras are being connected at a time. */
    connects: StartLimit;
    /** Limits how many decoders are being started at a time. */
    decoders: StartLimit;
  };
}

/** Who receives what arrives. */
export interface StreamSinks {
  frames: OfferedFrames;
  pictures: PictureSubject;
  video: VideoSource;
  facts: StreamFacts;
}

/** What a connection reports to the code that opened it. */
export interface ConnectionEvents {
  /** A picture was decoded. */
  picture(): void;
  /** ffmpeg must be started with other arguments: end the connection and connect the camera again. */
  mustReconnect(): void;
}

/**
 * The stream of an analysed camera, over all its connections. It passes what arrives to the workers' frames, the pictures
 * and the recording, and remembers between connections what it has learnt about the camera.
 */
export class AnalysedStream {
  readonly #of: CameraEpoch;
  readonly #backoff: Backoff;
  readonly #to: StreamSinks;
  readonly #clock: SteadyWallClock;
  readonly #context: StreamContext;
  readonly #log: Logger;
  readonly #form = new PictureForm();
  readonly #soundTrial = new SoundTrial();
  #rhythm: FrameRhythm;
  /** True when this process counts what arrives. */
  #begun = false;
  #connects = false;
  #receives = false;
  #arrival = Promise.withResolvers<void>();
  #left = Promise.resolve();

  /** `backoff` counts the camera's failures; a stream that has worked for a while resets it. */
  constructor(
    of: CameraEpoch,
    backoff: Backoff,
    to: StreamSinks,
    clock: SteadyWallClock,
    context: StreamContext,
    log: Logger,
  ) {
    this.#of = of;
    this.#backoff = backoff;
    this.#to = to;
    this.#clock = clock;
    this.#context = context;
    this.#log = log;
    this.#rhythm = new FrameRhythm(context.stallMs);
  }

  /** What arrives from now on counts. */
  begin(): void {
    this.#begun = true;
  }

  /** True while the camera is being connected or its stream is received. */
  get connects(): boolean {
    return this.#connects;
  }

  /** True while the camera sends data, even before the first picture. */
  get receives(): boolean {
    return this.#receives;
  }

  /** Resolves when the next frame arrives. */
  get nextArrival(): Promise<void> {
    return this.#arrival.promise;
  }

  /** Resolves when the camera's connection has ended; other work may still be running. */
  get left(): Promise<void> {
    return this.#left;
  }

  /** The settings have changed: what was learnt about the camera may no longer be true. */
  forget(): void {
    this.#form.reset();
    this.#soundTrial.reset();
    this.#rhythm = new FrameRhythm(this.#context.stallMs);
  }

  /**
   * Connects the camera and receives it until its stream fails. Returns why it failed. Returns undefined when `signal`
   * ended it, or when the camera should be connected again at once because only a decoder failed and another one replaces
   * it.
   */
  async connect(
    settings: IngestCamera,
    geometry: AnalysisGeometry,
    told: ConnectionEvents,
    signal: AbortSignal,
  ): Promise<CameraFault | undefined> {
    const { ffmpeg, access, limits } = this.#context;
    const { frames, facts, video } = this.#to;
    const rhythm = this.#rhythm;
    const connected = await limits.connects.enter(this.#backoff.failures, signal);
    if (!connected) return undefined;
    this.#connects = true;
    const { width, height, pixelFormat } = geometry;
    const buffers = new FrameBuffers(frameMessageBytes(width, height, pixelFormatOf(pixelFormat)));
    rhythm.connect();
    const left = Promise.withResolvers<void>();
    this.#left = left.promise;
    const { masks = [] } = settings.privacy ?? {};
    const shape = { ...this.#form.shape, masks };
    const options = {
      ...{ ffmpeg, settings, access, geometry, ...shape, buffers },
      ...{ ledger: frames.ledger, soundTrial: this.#soundTrial, stallMs: () => rhythm.limitMs },
      decoding: (codec: string, sound: StreamSound | undefined) =>
        this.#decoding(codec, sound, shape, settings),
      start: (aborted: AbortSignal) => limits.decoders.enter(this.#backoff.failures, aborted),
      left: left.resolve,
      sound: (frame: CodedSound) => {
        if (!signal.aborted) video.pushSound(frame);
      },
    };
    const events = this.#events({ settings, geometry, buffers, rhythm, connected, told, signal });
    try {
      const fault = await runSession(options, events, signal, this.#log);
      if (fault?.reason === CameraReason.STALLED) rhythm.stall();
      if (!fault?.hardware) return fault;
      this.#decoderFailed(fault.hardware);
      return undefined;
    } finally {
      left.resolve();
      this.#connects = false;
      this.#receives = false;
      connected();
      video.disconnected();
      facts.analysis.end();
    }
  }

  /** A stream with this codec and this sound is connected: informs those that keep it, and chooses the decoder. */
  #decoding(
    codec: string,
    sound: StreamSound | undefined,
    shape: PictureShape,
    { privacy, decode }: IngestCamera,
  ): Decoding {
    const { pictures, video, facts } = this.#to;
    pictures.connected(codec, shape);
    video.connected(codec, shape, shape.masks.length > 0 ? privacy : undefined, sound);
    const choice = decode ?? this.#context.decode;
    const decoding = this.#form.decoding(codec, choice, this.#context.decodingMachine());
    facts.decoding = decoding;
    return decoding;
  }

  /** Takes what one connection gives. `connected` is called when its first data has come. */
  #events(connection: {
    settings: IngestCamera;
    geometry: AnalysisGeometry;
    buffers: FrameBuffers;
    rhythm: FrameRhythm;
    connected: () => void;
    told: ConnectionEvents;
    signal: AbortSignal;
  }): Omit<DecoderEvents, "started"> {
    const { settings, geometry, buffers, rhythm, connected, told, signal } = connection;
    const { frames, pictures, video, facts } = this.#to;
    const origin = { ...this.#of, registeredAt: settings.registeredAt };
    let first = true;
    let firstPictureAt: number | undefined;
    return {
      arrived: (picture) => {
        const { key, orientation, data, decoderPtsUs: ptsUs, arrivedAt } = picture;
        if (orientation !== undefined) this.#turn(orientation, told);
        if (signal.aborted) return;
        const coded = { key, orientation, data, ptsUs, arrivedAt, captureMs: this.#clock.at(arrivedAt) };
        pictures.arrived(coded);
        video.push(coded);
      },
      packet: ({ counted, arrivedAt }) => {
        if (first) facts.connected();
        if (first) connected();
        first = false;
        this.#receives = true;
        rhythm.arrive(arrivedAt);
        if (this.#begun) facts.analysis.arrive();
        if (!counted) return;
        if (this.#begun) facts.captured.mark();
        this.#arrival.resolve();
        this.#arrival = Promise.withResolvers();
      },
      picture: (picture) => {
        // Only the decoded pictures show this, and ffmpeg's filters are fixed when it starts: the camera is connected
        // again.
        if (this.#form.see(picture)) {
          this.#log.info("the camera's pictures are interlaced; reconnecting to deinterlace them");
          told.mustReconnect();
        }
        facts.picture(picture);
        firstPictureAt ??= performance.now();
        if (performance.now() - firstPictureAt > steadyMs) this.#backoff.reset();
        told.picture();
      },
      codec: (name) => {
        facts.codec = name;
      },
      frame: (frame, message) => {
        if (frame.number === uncounted) return buffers.give(message);
        const readyAt = performance.now();
        facts.stamp(frame.arrivalSource);
        const metadata = describeFrame(origin, frame, geometry, readyAt, this.#clock);
        this.#context.decoded(this.#of.camera, metadata.decodeUs / 1e6);
        frames.put({ metadata, message, buffers, arrivedAt: frame.arrivedAt, readyAt });
        // The frame was made with the old settings.
        if (signal.aborted) frames.clear();
      },
    };
  }

  /** ffmpeg's filters are fixed when it starts: the camera is connected again. */
  #turn(orientation: Orientation, told: ConnectionEvents): void {
    if (!this.#form.turn(orientation)) return;
    this.#log.info(
      { orientation },
      "the camera says that its pictures are rotated; reconnecting to turn them",
    );
    told.mustReconnect();
  }

  #decoderFailed({ decoder, words }: { decoder: HardwareDecoder; words: string }): void {
    this.#log.warn({ decoder, ffmpeg: words }, "the decoder on the GPU failed; another decoder is used");
    this.#form.fail(decoder, words);
    this.#to.facts.decoderFailures += 1;
  }
}
