import { CameraReason } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import {
  type CameraAccess,
  type CameraFault,
  CameraFaultError,
  CameraStream,
  describeReason,
  nothingArrives,
  parseCameraUrl,
  type StreamSound,
} from "@sightline/rtsp";
import type { Logger } from "@sightline/service";
import type { IngestCamera } from "./camera-settings.ts";

/** For connecting to the camera and its answers. */
const connectMs = 8_000;
/** Time for the first packet to come, beyond the time that packets may be missing. */
const startMs = 4_000;

/** A stream to connect to, and how. */
export interface StreamChoice extends Pick<IngestCamera, "uri" | "transport" | "videoTrack" | "secret"> {
  access: CameraAccess;
  ffmpeg: FfmpegProgram;
  /** Whether its sound is asked for. */
  sound: boolean;
}

/** Connects to a camera's stream. Returns why it cannot be had, or undefined when `signal` aborted. What is no camera's fault is logged whole. */
export async function openStream(
  { uri, transport, videoTrack = 0, secret: credentials, access, ffmpeg, sound }: StreamChoice,
  signal: AbortSignal,
  log: Logger,
): Promise<CameraStream | CameraFault | undefined> {
  let stream: CameraStream;
  try {
    const options = { transport, videoTrack, access, ffmpeg, sound, timeoutMs: connectMs };
    stream = await CameraStream.open({ ...parseCameraUrl(uri), credentials }, options, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof CameraFaultError) return { reason: error.reason, message: error.message };
    log.error({ err: error }, "a camera could not be connected because of an internal error");
    return describeReason(CameraReason.INTERNAL, (error as Error).message);
  }
  if (!signal.aborted) return stream;
  // What ffmpeg reads from may take a moment to open; nobody would be told of what was aborted then.
  await stream.stop();
  return undefined;
}

/** What has come over a connection; times by performance.now(). */
export interface Arrivals {
  startedAt: number;
  /** When something came last; undefined: nothing has. */
  arrivedAt: number | undefined;
  hasKeyPicture: boolean;
}

/** What is wrong with what comes over a connection that is still there, if anything: nothing may be missing for `limitMs`. */
export function judgeArrivals(
  { startedAt, arrivedAt, hasKeyPicture }: Arrivals,
  limitMs: number,
): CameraReason | undefined {
  const now = performance.now();
  const isLate = now - startedAt > limitMs + startMs;
  if (arrivedAt === undefined) return isLate ? CameraReason.STALLED : undefined;
  if (now - arrivedAt > limitMs) return CameraReason.STALLED;
  return !hasKeyPicture && isLate ? CameraReason.NO_KEY_FRAME : undefined;
}

/** Why a connection has ended, by the verdict on it, if there was one, or by its own fault; undefined where neither says it. */
export function endOf(
  stream: Pick<CameraStream, "transport" | "fault">,
  verdict: CameraReason | undefined,
  hasArrived: boolean,
): CameraFault | undefined {
  if (verdict === CameraReason.STALLED && !hasArrived) return nothingArrives(stream.transport);
  if (verdict !== undefined) return describeReason(verdict);
  const { fault } = stream;
  return fault && { reason: fault.reason, message: fault.message };
}

/** A stream whose connection with sound gave no video is received without sound for so long. */
const pauseMs = 10 * 60_000;

/** Decides whether a stream is asked for its sound too. Sound must never cost the video: some cameras send neither when asked for both. */
export class SoundTrial {
  #failedAt = Number.NEGATIVE_INFINITY;

  /** Whether the connection that begins is to have sound, where it is wanted. */
  asks(wanted: boolean): boolean {
    return wanted && performance.now() - this.#failedAt > pauseMs;
  }

  /** What is said of the sound of a connection that did not ask for it. */
  left(wanted: boolean): StreamSound | undefined {
    return wanted
      ? {
          fault:
            "the camera gave no video when it was also asked for sound; it is received without sound for 10 min",
        }
      : undefined;
  }

  /** A connection that had asked for sound has ended; by itself, and perhaps before its first picture. */
  ended(sound: StreamSound | undefined, hadPicture: boolean): void {
    if (sound !== undefined && "config" in sound && !hadPicture) this.#failedAt = performance.now();
  }

  /** The settings are others. */
  reset(): void {
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }
}
