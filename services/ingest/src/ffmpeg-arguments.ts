import {
  type Decoding,
  decodingInput,
  deinterlaceFilters,
  downloadFilters,
  type MaskPolygon,
  type Orientation,
  privacyFilters,
  uprightFilters,
} from "@sightline/media";
import { pictureReport } from "@sightline/rtsp";
import { type AnalysisGeometry, letterboxFilters, letterboxSize } from "./analysis-geometry.ts";
import { samplingExpression } from "./sampling.ts";

/**
 * ffmpeg's arguments to receive a camera's stream (`inputArguments`), report each picture on stderr, and write the pixels of
 * those that pass the sampler to stdout, as gbrp or I420.
 */
export function decoderArguments(
  inputArguments: readonly string[],
  geometry: AnalysisGeometry,
  {
    targetFps,
    interlaced,
    orientation,
    masks,
    decoding,
  }: {
    targetFps: number;
    interlaced: boolean;
    orientation: Orientation;
    masks: readonly MaskPolygon[];
    decoding: Decoding;
  },
): string[] {
  const sampling = samplingExpression(targetFps);
  const filters = [
    // Before the report, so that a picture is reported when it goes on: whole pictures come one later than they are decoded.
    ...deinterlaceFilters(decoding, interlaced),
    ...uprightFilters(orientation),
    pictureReport("decoded"),
    // Without a sampler a second report would only repeat the first, and a report costs as much as a small read.
    ...(sampling === undefined ? [] : [`select='${sampling}'`, pictureReport("sampled")]),
    // Pictures that are not wanted stay on the GPU.
    ...downloadFilters(decoding, letterboxSize(geometry)),
    ...privacyFilters(masks),
    ...letterboxFilters(geometry),
  ];
  return [
    ...decodingInput(decoding),
    // Some versions turn only the pictures that say it, the key pictures, and begin their filters anew at each.
    "-noautorotate",
    ...inputArguments,
    ...["-map", "0:v:0", "-vf", filters.join(","), "-fps_mode", "passthrough"],
    // Without the last two a frame, or the end of one, would wait for the next frame.
    ...["-c:v", "rawvideo", "-f", "rawvideo", "-threads", "1", "-flush_packets", "1", "pipe:1"],
  ];
}
