import { reportArguments } from "../ffmpeg-report.ts";
import type { PictureCodec } from "./ivf.ts";

/** IVF's name of H.265 is not known to every ffmpeg, so the decoder is named. */
const decoder: Readonly<Record<PictureCodec, string>> = { H264: "h264", H265: "hevc", JPEG: "mjpeg" };

/** Arguments, up to and with the input, that make ffmpeg read pictures from a `FramePipe` and open nothing else. */
export function frameArguments(codec: PictureCodec): readonly string[] {
  return [
    ...reportArguments,
    ...["-probesize", "32", "-analyzeduration", "0", "-c:v", decoder[codec]],
    ...["-f", "ivf", "-protocol_whitelist", "pipe", "-i", "pipe:0"],
  ];
}
