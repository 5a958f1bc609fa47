import { CameraReason } from "@sightline/contracts";
import { faultError } from "../camera-fault.ts";
import type { SdpTrack, SessionDescription } from "./sdp.ts";

/** RTP encodings that every ffmpeg build receives and decodes. */
const decodable = new Set([
  "H264",
  "H265",
  "JPEG",
  "MP4V-ES",
  "VP8",
  "VP9",
  "H263",
  "H263-1998",
  "H263-2000",
  "MPV",
  "MP2T",
]);

/** The video track to receive; `number` counts from 1, 0 takes the first. @throws CameraFaultError */
export function chooseTrack({ tracks }: SessionDescription, number: number): SdpTrack {
  const track = tracks[Math.max(1, number) - 1];
  if (!track)
    throw faultError(
      CameraReason.NO_VIDEO,
      tracks.length === 0 ? undefined : `video track ${number} was asked for, and it has ${tracks.length}`,
    );
  if (!decodable.has(track.codec)) throw faultError(CameraReason.UNSUPPORTED_CODEC, codecName(track.codec));
  if (!/^\d{1,3}$/.test(track.payloadType))
    throw faultError(CameraReason.PROTOCOL_ERROR, "its description of the video cannot be read");
  if (track.profile.toUpperCase().startsWith("RTP/SAVP"))
    throw faultError(CameraReason.UNSUPPORTED_CODEC, "it is encrypted by SRTP; use rtsps:// instead");
  return track;
}

/** A codec's name comes from the camera: only what a name is made of is shown. */
function codecName(codec: string): string {
  return codec.replace(/[^A-Z0-9.-]/g, "").slice(0, 32);
}
