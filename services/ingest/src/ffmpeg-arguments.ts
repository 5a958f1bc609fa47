import { displayFilters } from "@sightline/media";
import { pictureReport } from "@sightline/rtsp";
import { type AnalysisGeometry, letterboxFilters } from "./analysis-geometry.ts";
import { samplingExpression } from "./sampling.ts";

/**
 * ffmpeg's arguments to receive a camera's stream (`inputArguments`), report each picture on stderr, and write the pixels of
 * those that pass the sampler to stdout as gbrp.
 */
export function decoderArguments(
  inputArguments: readonly string[],
  geometry: AnalysisGeometry,
  { targetFps, interlaced }: { targetFps: number; interlaced: boolean },
): string[] {
  const sampling = samplingExpression(targetFps);
  const filters = [
    // Before the report, so that a picture is reported when it goes on: whole pictures come one later than they are decoded.
    ...displayFilters({ interlaced }),
    pictureReport("decoded"),
    // Without a sampler a second report would only repeat the first, and a report costs as much as a small read.
    ...(sampling === undefined ? [] : [`select='${sampling}'`, pictureReport("sampled")]),
    ...letterboxFilters(geometry),
  ];
  return [
    ...inputArguments,
    ...["-map", "0:v:0", "-vf", filters.join(","), "-fps_mode", "passthrough"],
    // Without the last two a frame, or the end of one, would wait for the next frame.
    ...["-c:v", "rawvideo", "-f", "rawvideo", "-threads", "1", "-flush_packets", "1", "pipe:1"],
  ];
}
