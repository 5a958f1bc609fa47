import {
  chooseDecoding,
  type DecodeChoice,
  type Decoder,
  decodingInput,
  decodingMachine,
  downloadFilters,
  ffmpegAbilities,
  runFfmpeg,
} from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { letterboxFilters, letterboxSize } from "../../services/ingest/src/analysis-geometry.ts";
import { Skipped } from "./check-runner.ts";

const geometry = { width: 640, height: 640, longestSide: 636, padValue: 114 };

/**
 * Frames per second of so many streams of a file at once, each decoded and scaled as ingest does.
 * @throws Skipped where the decoder cannot be had
 */
export async function decodeRate(
  video: string,
  choice: DecodeChoice,
  streams: number,
  frames: number,
  signal: AbortSignal,
): Promise<{ decoder: Decoder; framesPerSecond: number }> {
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const machine = decodingMachine(await ffmpegAbilities(ffmpeg));
  const decoding = chooseDecoding(choice, { codec: "h264", interlaced: false }, machine);
  if (choice === "cuda" && (decoding.decoder !== "cuda" || !machine.nvidia))
    throw new Skipped(decoding.note || "no NVIDIA GPU here (/dev/nvidia0)");
  const filters = [...downloadFilters(decoding, letterboxSize(geometry)), ...letterboxFilters(geometry)];
  const args = [
    ...["-nostdin", "-v", "error", ...decodingInput(decoding), "-threads", "1"],
    ...["-stream_loop", "-1", "-i", video, "-frames:v", String(frames)],
    ...["-vf", filters.join(","), "-f", "null", "-"],
  ];
  const began = performance.now();
  await Promise.all(Array.from({ length: streams }, () => runFfmpeg(ffmpeg, args, { signal })));
  return {
    decoder: decoding.decoder,
    framesPerSecond: (1000 * streams * frames) / (performance.now() - began),
  };
}
