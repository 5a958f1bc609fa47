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
import { CliError } from "../errors.ts";

export interface ExamineOptions {
  transport: TransportChoice;
  /** From 1; 0 takes the first. */
  videoTrack: number;
  decode: DecodeChoice;
}

/**
 * Asks a camera what it offers and receives a few pictures as proof, over one connection from this machine.
 * @throws Error for an invalid URL, and when there is no ffmpeg
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

/** Where cameras may be that the command line itself connects to: the settings of the ingest service. */
export function cameraAccess(): CameraAccess {
  const redirects = process.env.SIGHTLINE_CAMERA_REDIRECTS || "same-host";
  if (redirects !== "same-host" && redirects !== "any")
    throw new CliError("usage", "SIGHTLINE_CAMERA_REDIRECTS: expected same-host or any");
  const networks = CameraNetworks.parse(process.env.SIGHTLINE_CAMERA_NETWORKS ?? "");
  // The person who types the command can read these files anyway.
  return { networks, redirects, files: process.env.SIGHTLINE_SOURCE_FILES || "/" };
}
