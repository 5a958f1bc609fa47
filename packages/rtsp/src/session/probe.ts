import { type FfmpegProgram, usualFfmpegMemoryMib } from "@sightline/media";
import { type CameraAccess, defaultAccess } from "../address/camera-networks.ts";
import { type CameraTarget, sourceKind } from "../address/camera-url.ts";
import { type CameraFault, CameraFaultError } from "../camera-fault.ts";
import { offeredSound } from "../frames/aac-depacketizer.ts";
import { openSource } from "../sources/open-source.ts";
import { describeCamera } from "./describe-camera.ts";
import { type CameraOffer, chooseTrack } from "./sdp.ts";

/** What a camera says about its stream, or why it says nothing. */
export type RtspProbe = ({ ok: true } & CameraOffer) | ({ ok: false } & CameraFault);

export interface ProbeOptions {
  /** Counts from 1; 0 or missing takes the first. */
  videoTrack?: number;
  access?: CameraAccess;
  /** Inspects files and HLS. */
  ffmpeg?: FfmpegProgram;
  /** For the whole probe. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const usualFfmpeg = { path: "ffmpeg", memoryMib: usualFfmpegMemoryMib };

/**
 * Asks a camera what it offers (by RTSP: OPTIONS, DESCRIBE), without starting the stream. Every failure that the camera or the network
 * can cause is a result, distinguished by error code and RTSP status, not an exception.
 */
export async function probe(target: CameraTarget, options: ProbeOptions = {}): Promise<RtspProbe> {
  const { videoTrack = 0, access = defaultAccess, timeoutMs = 5_000 } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  try {
    if (sourceKind(target) !== "rtsp") {
      const { ffmpeg = usualFfmpeg } = options;
      const source = await openSource(target, { ffmpeg, access, videoTrack }, signal);
      await source.stop();
      return { ok: true, ...source.offer };
    }
    const { connection, description } = await describeCamera(target, access, signal);
    connection.close();
    const { codec, width, height, framesPerSecond } = chooseTrack(description, videoTrack);
    const video = { codec, width, height, framesPerSecond };
    return {
      ok: true,
      video,
      videoTracks: description.tracks.length,
      sound: offeredSound(description.sounds),
    };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof CameraFaultError)) throw error;
    return { ok: false, reason: error.reason, message: error.message };
  }
}
