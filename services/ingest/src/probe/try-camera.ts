import { CameraReason, type ProbeAnswer, type ProbeRequest } from "@sightline/contracts";
import {
  type CameraAccess,
  parseRtspUrl,
  probe,
  type RtspTarget,
  RtspUrlError,
  receive,
} from "@sightline/rtsp";

/** For all of it, in milliseconds; the camera's description may take so much of it. */
const timeoutMs = 8_000;
const describeMs = 4_000;
/** Enough to tell the rate; a camera of one frame per second gives them in time. */
const pictures = 5;
/** Enough to draw zones in. */
const jpegWidth = 1280;

/** What a camera offers, and a JPEG when one was asked for and came. Holds no secret, whatever the request does. */
export interface CameraTrial {
  answer: ProbeAnswer;
  jpeg: Uint8Array;
}

export interface TrialOptions {
  ffmpeg: string;
  /** Where cameras may be. */
  access: CameraAccess;
  signal: AbortSignal;
}

/** Tries a camera out: asks what it offers, and receives a few pictures when one is wanted. @throws when `signal` aborts */
export async function tryCamera(
  request: ProbeRequest,
  { ffmpeg, access, signal }: TrialOptions,
): Promise<CameraTrial> {
  const startedAt = performance.now();
  let target: RtspTarget;
  try {
    target = parseRtspUrl(request.uri);
  } catch (error) {
    if (!(error instanceof RtspUrlError)) throw error;
    return failed(CameraReason.UNSPECIFIED, error.message);
  }
  const { username, password = "" } = request;
  if (username !== undefined) target.credentials = { username, password };
  const offer = await probe(target, { access, timeoutMs: describeMs, signal });
  if (!offer.ok) return failed(offer.reason, offer.message);
  const { video } = offer;
  const described = {
    ok: true as const,
    codec: video.codec.toLowerCase(),
    width: video.width ?? 0,
    height: video.height ?? 0,
    fps: round(video.framesPerSecond ?? 0),
  };
  if (!request.picture) return { answer: described, jpeg: new Uint8Array() };
  const reception = await receive(target, {
    ffmpeg,
    transport: request.transport,
    access,
    pictures,
    jpegWidth,
    timeoutMs: timeoutMs - (performance.now() - startedAt),
    signal,
  });
  if (!reception.ok)
    return { answer: { ...described, pictureFault: reception.message }, jpeg: new Uint8Array() };
  const { codec, width, height, framesPerSecond, jpeg } = reception;
  const fps = described.fps > 0 ? described.fps : round(framesPerSecond ?? 0);
  const answer = { ok: true as const, codec, width, height, fps };
  return jpeg
    ? { answer, jpeg }
    : { answer: { ...answer, pictureFault: "the picture did not come in time" }, jpeg: new Uint8Array() };
}

/** An answer that says why nothing is known of the camera. */
export function failed(reason: CameraReason, message: string): CameraTrial {
  return { answer: { ok: false, reason, message }, jpeg: new Uint8Array() };
}

function round(fps: number): number {
  return Math.round(fps * 100) / 100;
}
