import { CameraReason, type ProbeAnswer, type ProbeRequest } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import {
  type CameraAccess,
  type CameraOffer,
  type CameraTarget,
  parseCameraUrl,
  probe,
  RtspUrlError,
  receive,
} from "@sightline/rtsp";

/** For the whole trial, in milliseconds; the camera's description may use all of it. */
const timeoutMs = 8_000;
const describeMs = 4_000;
/** Enough to measure the rate; a camera with one frame per second gives them in time. */
const pictures = 5;
/** Enough to draw zones on. */
const jpegWidth = 1280;

/** What a camera offers, and a JPEG when one was requested and came. Contains no secret, even if the request does. */
export interface CameraTrial {
  answer: ProbeAnswer;
  jpeg: Uint8Array;
}

export interface TrialOptions {
  ffmpeg: FfmpegProgram;
  /** Where cameras may be. */
  access: CameraAccess;
  signal: AbortSignal;
}

/**
 * Tries a camera: asks what it offers, and receives a few pictures when one is wanted.
 * @throws when `signal` aborts
 */
export async function tryCamera(
  request: ProbeRequest,
  { ffmpeg, access, signal }: TrialOptions,
): Promise<CameraTrial> {
  let target: CameraTarget;
  try {
    target = parseCameraUrl(request.uri);
  } catch (error) {
    if (!(error instanceof RtspUrlError)) throw error;
    return failed(CameraReason.UNSPECIFIED, error.message);
  }
  const { username, password = "" } = request;
  if (username !== undefined) target.credentials = { username, password };
  const choice = { access, signal, videoTrack: request.videoTrack ?? 0 };
  if (!request.picture) {
    const offer = await probe(target, { ...choice, ffmpeg, timeoutMs: describeMs });
    return offer.ok
      ? { answer: { ok: true, ...described(offer) }, jpeg: new Uint8Array() }
      : failed(offer.reason, offer.message);
  }
  // One connection for both: some cameras accept the next connection only after they have finished the last.
  const { transport } = request;
  const reception = await receive(target, { ...choice, ffmpeg, transport, pictures, jpegWidth, timeoutMs });
  if (!reception.ok)
    return reception.offer
      ? {
          answer: { ok: true, ...described(reception.offer), pictureFault: reception.message },
          jpeg: new Uint8Array(),
        }
      : failed(reception.reason, reception.message);
  const said = described(reception.offer);
  const { codec, width, height, framesPerSecond, jpeg } = reception;
  const fps = said.fps > 0 ? said.fps : round(framesPerSecond ?? 0);
  const { videoTracks } = said;
  const answer = { ok: true as const, codec, width, height, fps, videoTracks };
  return jpeg
    ? { answer, jpeg }
    : { answer: { ...answer, pictureFault: "the picture did not come in time" }, jpeg: new Uint8Array() };
}

function described({ video, videoTracks }: CameraOffer) {
  return {
    videoTracks,
    codec: video.codec.toLowerCase(),
    width: video.width ?? 0,
    height: video.height ?? 0,
    fps: round(video.framesPerSecond ?? 0),
  };
}

/** An answer that gives the reason why nothing is known about the camera. */
export function failed(reason: CameraReason, message: string): CameraTrial {
  return { answer: { ok: false, reason, message }, jpeg: new Uint8Array() };
}

function round(fps: number): number {
  return Math.round(fps * 100) / 100;
}
