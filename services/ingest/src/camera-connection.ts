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

/** Limit for connecting to the camera and for its answers. */
const connectMs = 8_000;
/** Time for the first packet, in addition to the time that packets may be missing. */
const startMs = 4_000;

/** A stream that has given pictures for this long counts as working: its next failure is a new one. */
export const steadyMs = 10_000;

/** A stream to connect to, and how. */
export interface StreamChoice extends Pick<IngestCamera, "uri" | "transport" | "videoTrack" | "secret"> {
  access: CameraAccess;
  ffmpeg: FfmpegProgram;
  /** Whether its sound is asked for. */
  sound: boolean;
}

/**
 * Connects to a camera's stream. Returns why that failed, or undefined when `signal` aborted. Errors that are not the
 * camera's fault are logged in full.
 */
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
  // ffmpeg's input may take a moment to open. After an abort nobody would learn of this stream, so it is stopped here.
  await stream.stop();
  return undefined;
}

/** What has arrived over a connection; times by performance.now(). */
export interface Arrivals {
  startedAt: number;
  /** When data last arrived; undefined before the first. */
  arrivedAt: number | undefined;
  hasKeyPicture: boolean;
}

/**
 * Returns what is wrong with the data of an open connection, if anything: none for longer than `limitMs`, or no key picture
 * in time.
 */
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

/**
 * Why a connection has ended: the verdict if there was one, else the connection's own fault; undefined where neither gives
 * a reason.
 */
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

/** If a connection with sound gave no video, the stream is received without sound for this long. */
const pauseMs = 10 * 60_000;

/**
 * Decides whether a stream's sound is requested too. Sound must never cost the video: some cameras send neither when asked
 * for both.
 */
export class SoundTrial {
  #failedAt = Number.NEGATIVE_INFINITY;

  /** Whether the next connection should request sound, where sound is wanted. */
  asks(wanted: boolean): boolean {
    return wanted && performance.now() - this.#failedAt > pauseMs;
  }

  /** The sound status of a connection that did not request sound. */
  left(wanted: boolean): StreamSound | undefined {
    return wanted
      ? {
          fault:
            "the camera gave no video when it was also asked for sound; it is received without sound for 10 min",
        }
      : undefined;
  }

  /** A connection that requested sound has ended without being told to, possibly before its first picture. */
  ended(sound: StreamSound | undefined, hadPicture: boolean): void {
    if (sound !== undefined && "config" in sound && !hadPicture) this.#failedAt = performance.now();
  }

  /** The settings have changed. */
  reset(): void {
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }
}
