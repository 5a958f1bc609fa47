import {
  chooseDecoding,
  type DecodeChoice,
  decodingMachine,
  ffmpegAbilities,
  usualFfmpegMemoryMib,
} from "@sightline/media";
import {
  type CameraAccess,
  CameraNetworks,
  findFfmpeg,
  parseCameraUrl,
  receive,
  type TransportChoice,
} from "@sightline/rtsp";

export interface ExamineOptions {
  transport: TransportChoice;
  /** From 1; 0 takes the first. */
  videoTrack: number;
  decode: DecodeChoice;
}

/**
 * Asks a camera what it offers and receives a few pictures as proof, over one connection of this machine.
 * @throws Error for a URL that cannot be, and without an ffmpeg
 */
export async function examine(url: string, { transport, videoTrack, decode }: ExamineOptions) {
  const target = parseCameraUrl(url);
  const access = cameraAccess();
  const path = await findFfmpeg(process.env.FFMPEG_PATH);
  const ffmpeg = { path, memoryMib: usualFfmpegMemoryMib };
  const reception = await receive(target, { ffmpeg, transport, videoTrack, access });
  const machine = decodingMachine(await ffmpegAbilities(path));
  return {
    target,
    reception,
    decoding: reception.ok ? chooseDecoding(decode, reception, machine) : undefined,
  };
}

/** A setting in the environment that cannot be. */
export class AccessSettingError extends Error {
  override readonly name = "AccessSettingError";
}

/** Where cameras may be that the command line connects to by itself: the settings of the ingest service. */
export function cameraAccess(): CameraAccess {
  const redirects = process.env.SIGHTLINE_CAMERA_REDIRECTS || "same-host";
  if (redirects !== "same-host" && redirects !== "any")
    throw new AccessSettingError("SIGHTLINE_CAMERA_REDIRECTS: expected same-host or any");
  const networks = CameraNetworks.parse(process.env.SIGHTLINE_CAMERA_NETWORKS ?? "");
  // Who types the command reads these files anyway.
  return { networks, redirects, files: process.env.SIGHTLINE_SOURCE_FILES || "/" };
}
