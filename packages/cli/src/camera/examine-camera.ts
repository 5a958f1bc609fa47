import {
  chooseDecoding,
  type DecodeChoice,
  decodingMachine,
  ffmpegAbilities,
  usualFfmpegMemoryMib,
} from "@sightline/media";
import { findFfmpeg, parseCameraUrl, receive, type TransportChoice } from "@sightline/rtsp";
import { cameraAccess } from "./camera-access.ts";

export interface ProbeOptions {
  transport: TransportChoice;
  /** From 1; 0 takes the first. */
  videoTrack: number;
  decode: DecodeChoice;
}

/**
 * Asks a camera what it offers and receives a few pictures as proof, over one connection of this machine.
 * @throws Error for a URL that cannot be, and without an ffmpeg
 */
export async function examine(url: string, { transport, videoTrack, decode }: ProbeOptions) {
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
