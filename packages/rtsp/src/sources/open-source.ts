import { CameraReason } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import type { CameraAccess } from "../address/camera-networks.ts";
import { type CameraTarget, sourceKind } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import { FileSource } from "./file-source.ts";
import { HlsSource, isPlaylist } from "./hls-source.ts";
import { requestHttp } from "./http-request.ts";
import { MjpegSource } from "./mjpeg-source.ts";
import type { PictureSource } from "./picture-source.ts";

export interface SourceOptions {
  ffmpeg: FfmpegProgram;
  access: CameraAccess;
  /** The video track, or the HLS variant, from 1; 0 takes the first. */
  videoTrack: number;
}

/**
 * Opens a source that is not an RTSP camera: a file, or HLS or MJPEG from an HTTP server.
 * @throws CameraFaultError, also when `signal` aborts
 */
export async function openSource(
  target: CameraTarget,
  { ffmpeg, access, videoTrack }: SourceOptions,
  signal: AbortSignal,
): Promise<PictureSource> {
  if (sourceKind(target) === "file") return FileSource.open(target, { ffmpeg, access, videoTrack }, signal);
  const answer = await requestHttp(target, access, signal);
  const { body } = answer;
  try {
    const type = body.headers["content-type"] ?? "";
    const boundary = /^multipart\/x-mixed-replace\s*;.*?boundary="?([^";]{1,200})"?/i.exec(type)?.[1];
    if (boundary !== undefined) {
      if (videoTrack > 1)
        throw faultError(CameraReason.NO_VIDEO, `video track ${videoTrack} was requested, but it has 1`);
      return new MjpegSource(body, boundary.trim());
    }
    if (isPlaylist(body, answer.target))
      return await HlsSource.open(answer, { ffmpeg, access, variant: videoTrack }, signal);
    throw notStream(type);
  } catch (error) {
    body.destroy();
    throw error;
  }
}

function notStream(type: string): CameraFaultError {
  const shown = type
    .split(";")[0]!
    .replace(/[^\w./+-]/g, "")
    .slice(0, 60);
  const what = shown === "" ? "something without a type" : shown;
  const advice = shown.startsWith("image/") ? "; the camera's MJPEG stream has another path" : "";
  return new CameraFaultError({
    reason: CameraReason.PROTOCOL_ERROR,
    message: `the server at this address answers with ${what} instead of a video stream (MJPEG or HLS); check the path in the URL${advice}`,
  });
}
