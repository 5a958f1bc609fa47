import { reportArguments } from "../ffmpeg-report.ts";
import type { NalCodec } from "./nal-kind.ts";

/** IVF's name of H.265 is not known to every ffmpeg, so the decoder is named. */
const decoder: Readonly<Record<NalCodec, string>> = { H264: "h264", H265: "hevc" };

/** Arguments, up to and with the input, that make ffmpeg read pictures from a `FramePipe` and open nothing else. */
export function frameArguments(codec: NalCodec): readonly string[] {
  return [
    ...reportArguments,
    ...["-probesize", "32", "-analyzeduration", "0", "-c:v", decoder[codec]],
    ...["-f", "ivf", "-protocol_whitelist", "pipe", "-i", "pipe:0"],
  ];
}
