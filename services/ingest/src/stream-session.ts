import { CameraReason } from "@sightline/contracts";
import type { Decoding, FfmpegProgram, HardwareDecoder, MaskPolygon, Orientation } from "@sightline/media";
import type { CodedSound } from "@sightline/recording";
import {
  type CameraAccess,
  type CameraFault,
  CameraStream,
  describeReason,
  type StreamSound,
} from "@sightline/rtsp";
import type { Logger } from "@sightline/service";
import type { AnalysisGeometry } from "./analysis-geometry.ts";
import { endOf, judgeArrivals, openStream, type SoundTrial } from "./camera-connection.ts";
import { hearsAnalysed, type IngestCamera } from "./camera-settings.ts";
import { type DecoderEnd, type DecoderEvents, FfmpegDecoder, type StartTurn } from "./ffmpeg-decoder.ts";
import type { FrameBuffers } from "./frame-buffers.ts";
import type { Ledger } from "./ledger.ts";
import { lookEvery } from "./look-every.ts";

/** Time for ffmpeg to begin reading, on a machine where many other things start. */
const openMs = 15_000;
const watchMs = 250;

export interface StreamSessionOptions {
  ffmpeg: FfmpegProgram;
  settings: IngestCamera;
  access: CameraAccess;
  geometry: AnalysisGeometry;
  /** The camera's pictures are interlaced (made of two fields). */
  interlaced: boolean;
  /** How they are turned to be upright. */
  orientation: Orientation;
  /** Areas that nobody may see. */
  masks: readonly MaskPolygon[];
  /** A stream is connected: gets its codec (the SDP name) and its sound; chooses the decoder. */
  decoding: (codec: string, sound: StreamSound | undefined) => Decoding;
  soundTrial: SoundTrial;
  /** Takes the sound that comes with the video. */
  sound: (frame: CodedSound) => void;
  /** How long packets may be missing. */
  stallMs: () => number;
  ledger: Ledger;
  buffers: FrameBuffers;
  start: StartTurn;
  /** Called when the camera is disconnected; the decoder may take longer to end. */
  left: () => void;
}

/** Why a session ended. */
export interface SessionFault extends CameraFault {
  /** A GPU decoder ended it, so software decoding may work; with ffmpeg's output. */
  hardware?: { decoder: HardwareDecoder; words: string };
}

/** What a session has seen. */
interface Seen {
  startedAt: number | undefined;
  /** When ffmpeg began to read. */
  openedAt: number | undefined;
  packetAt: number | undefined;
  keyFrame: boolean;
  pictureAt: number | undefined;
  /** Counted packets since the last picture. */
  undecoded: number;
}

/**
 * Receives a camera until the stream fails, and returns why; undefined when `signal` ended it. A connected stream that is
 * useless is ended: no frames, no key frame, or no picture in what arrives. ffmpeg is not started for a camera that cannot
 * be connected.
 */
export async function runSession(
  options: StreamSessionOptions,
  events: Omit<DecoderEvents, "started">,
  signal: AbortSignal,
  log: Logger,
): Promise<SessionFault | undefined> {
  if (signal.aborted) return undefined;
  const { settings, access, ffmpeg, soundTrial } = options;
  const sound = soundTrial.asks(hearsAnalysed(settings));
  const stream = await openStream({ ...settings, access, ffmpeg, sound }, signal, log);
  if (!(stream instanceof CameraStream)) return stream;
  const leave = () => void stream.stop().finally(options.left);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await decode(stream, options, events, signal, log);
  } finally {
    signal.removeEventListener("abort", leave);
    await stream.stop();
    if (stream.dropped > 0) log.warn({ packets: stream.dropped }, "ffmpeg was too slow; packets were lost");
    if (stream.refused > 0)
      log.warn(
        { packets: stream.refused },
        "the camera sent more than one camera may send; packets were lost",
      );
  }
}

async function decode(
  stream: CameraStream,
  options: StreamSessionOptions,
  events: Omit<DecoderEvents, "started">,
  signal: AbortSignal,
  log: Logger,
): Promise<SessionFault | undefined> {
  const sound = stream.sound ?? options.soundTrial.left(hearsAnalysed(options.settings));
  const decoding = options.decoding(stream.offer.video.codec, sound);
  stream.onSound = options.sound;
  const seen: Seen = {
    startedAt: undefined,
    openedAt: undefined,
    packetAt: undefined,
    keyFrame: false,
    pictureAt: undefined,
    undecoded: 0,
  };
  const decoder = new FfmpegDecoder(
    { ...options, decoding, targetFps: options.settings.targetFps, stream },
    {
      ...events,
      started: () => {
        seen.startedAt = performance.now();
      },
      packet: (event) => {
        seen.packetAt = performance.now();
        seen.keyFrame ||= event.key;
        if (event.counted) seen.undecoded += 1;
        events.packet(event);
      },
      codec: (name) => {
        seen.openedAt = performance.now();
        events.codec(name);
      },
      picture: (picture) => {
        seen.pictureAt = performance.now();
        seen.undecoded = 0;
        events.picture(picture);
      },
    },
    log,
  );
  let verdict: CameraReason | undefined;
  let tooSlow = false;
  const look = () => {
    if (verdict !== undefined) return;
    verdict = judge(seen, options.stallMs());
    if (verdict === undefined) return;
    tooSlow = stream.heldBack;
    void decoder.stop();
  };
  const endWatch = lookEvery(watchMs, look);
  const abort = () => void decoder.stop();
  signal.addEventListener("abort", abort);
  try {
    const end = await decoder.ended;
    if (signal.aborted) return undefined;
    options.soundTrial.ended(stream.sound, seen.packetAt !== undefined);
    log.debug({ exitCode: end.exitCode, lastLines: end.lastLines }, "ffmpeg ended");
    // Whatever else seems to be missing, the data is there and waits.
    const fault = tooSlow
      ? describeReason(CameraReason.DECODING_TOO_SLOW)
      : explain(stream, seen, verdict, end);
    const by = decoding.decoder;
    if (by === "software" || !decoderReasons.includes(fault.reason)) return fault;
    return { ...fault, hardware: { decoder: by, words: tellingLine(end.lastLines) } };
  } finally {
    endWatch();
    stream.onSound = () => undefined;
    signal.removeEventListener("abort", abort);
  }
}

/** What is wrong with a stream that is still connected, if anything. */
function judge(seen: Seen, stallMs: number): CameraReason | undefined {
  const { startedAt, packetAt: arrivedAt, keyFrame: hasKeyPicture } = seen;
  if (startedAt === undefined) return undefined;
  const fault = judgeArrivals({ startedAt, arrivedAt, hasKeyPicture }, stallMs);
  if (fault !== undefined || !hasKeyPicture) return fault;
  const silentSince = seen.pictureAt ?? seen.openedAt ?? startedAt + openMs;
  const isUndecoded = seen.undecoded > 1 && performance.now() - silentSince > stallMs;
  return isUndecoded ? CameraReason.DECODE_FAILURE : undefined;
}

/** Reasons that the decoder itself may have caused. */
const decoderReasons: readonly CameraReason[] = [
  CameraReason.DECODE_FAILURE,
  CameraReason.DECODING_TOO_SLOW,
  CameraReason.INTERNAL,
];

/** For people: the first of ffmpeg's last lines that names an error, else the last line. */
function tellingLine(lines: readonly string[]): string {
  const line = lines.find((each) => /cannot|failed|error|impossible|no device/i.test(each)) ?? lines.at(-1);
  return (line ?? "it was killed").replace(/^(?:\[[^\]]*\] *)+/, "").trim();
}

/** Finds the reason from what was seen and how the camera's connection ended; never from ffmpeg's text, which changes. */
function explain(
  stream: CameraStream,
  seen: Seen,
  verdict: CameraReason | undefined,
  end: DecoderEnd,
): CameraFault {
  if (verdict === CameraReason.DECODE_FAILURE) return stream.decodeFault;
  const fault = endOf(stream, verdict, seen.packetAt !== undefined);
  if (fault) return fault;
  if (stream.cameraEnded) return describeReason(CameraReason.STREAM_ENDED);
  if (end.exitCode === undefined)
    return describeReason(CameraReason.INTERNAL, `ffmpeg cannot run: ${end.lastLines.at(-1) ?? "killed"}`);
  return stream.decodeFault;
}
