import type { CameraSecret } from "@sightline/contracts";
import { formatCredentials } from "@sightline/rtsp";
import { type AnalysisGeometry, letterboxFilters } from "./analysis-geometry.ts";
import { samplingExpression } from "./sampling.ts";

/** What ffmpeg needs to know of a camera. */
export interface CameraInput {
  /** rtsp or rtsps URL without user and password. */
  uri: string;
  transport: "tcp" | "udp";
  secret?: CameraSecret | undefined;
  /** Frames per second to pass on; 0 passes all. */
  targetFps: number;
}

/** Nothing else can be opened, whatever a camera's answers or redirects say. `pipe` is the script on stdin. */
const protocols = "pipe,rtsp,rtsps,tcp,tls,udp,rtp,crypto";

/** Names in ffmpeg's log of the two places where a picture is reported. */
export const probes = { decoded: "decoded", sampled: "sampled" } as const;

/**
 * Arguments that make ffmpeg read the script of `inputScript` from stdin, report each packet as it arrives and each
 * picture on stderr (see ffmpeg-report.ts), and write the pictures' pixels to stdout. They hold no address and no secret, since
 * any user of the machine can read a process's arguments.
 *
 * `-dump` reports a packet when it has arrived, before it is decoded; `-c copy` outputs would only be written after.
 */
export function decoderArguments(geometry: AnalysisGeometry, targetFps: number): string[] {
  const sampling = samplingExpression(targetFps);
  const filters = [
    // Cameras put text of their own into side data; the report needs none of it.
    "sidedata=mode=delete",
    `showinfo@${probes.decoded}=checksum=0`,
    ...(sampling === undefined ? [] : [`select='${sampling}'`]),
    `showinfo@${probes.sampled}=checksum=0`,
    ...letterboxFilters(geometry),
  ];
  return [
    ...["-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+info", "-dump", "-copyts"],
    // One thread: pictures come out as packets go in, and one camera cannot crowd out another.
    ...["-threads", "1", "-filter_threads", "1", "-flags", "low_delay"],
    ...["-probesize", "32", "-analyzeduration", "0"],
    ...["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0"],
    ...["-map", "0:v:0", "-vf", filters.join(","), "-fps_mode", "passthrough"],
    ...["-c:v", "rawvideo", "-f", "rawvideo", "pipe:1"],
  ];
}

/**
 * Script for ffmpeg's concat demuxer that opens the camera. The address with its user and password goes this way because
 * stdin, unlike an argument, is private.
 * @param timeoutMs longest silence of the socket
 */
export function inputScript(input: CameraInput, timeoutMs: number): string {
  return [
    "ffconcat version 1.0",
    `file ${quote(formatCredentials(input.uri, input.secret))}`,
    `option rtsp_transport ${input.transport}`,
    "option allowed_media_types video",
    `option timeout ${Math.round(timeoutMs * 1000)}`,
    "option probesize 32",
    "option analyzeduration 0",
    "",
  ].join("\n");
}

/** ffmpeg's quoting: all is literal between single quotes, and a quote itself is written outside them (ffmpeg-utils). */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
