import { type Credentials, formatCredentials } from "./rtsp-url.ts";

/** A camera as ffmpeg receives it. */
export interface FfmpegInput {
  /** rtsp or rtsps URL without user and password. */
  uri: string;
  transport: "tcp" | "udp";
  credentials: Credentials | undefined;
  /** Longest silence of the socket, in milliseconds. */
  timeoutMs: number;
}

/** Nothing else can be opened, whatever a camera's answers or redirects say. `pipe` is the script on stdin. */
const protocols = "pipe,rtsp,rtsps,tcp,tls,udp,rtp,crypto";

/**
 * Arguments, up to and with the input, that make ffmpeg read the script of `inputScript` from stdin and report on stderr
 * what arrives (see ffmpeg-report.ts). They hold no address and no secret, since any user of the machine can read a
 * process's arguments.
 *
 * `-dump` reports a packet when it has arrived, before it is decoded; a `-c copy` output would only be written after.
 */
export const inputArguments: readonly string[] = [
  ...["-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+info", "-dump", "-copyts"],
  // One thread: pictures come out as packets go in, and one camera cannot crowd out another.
  ...["-threads", "1", "-filter_threads", "1", "-flags", "low_delay"],
  ...["-probesize", "32", "-analyzeduration", "0"],
  ...["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0"],
];

/**
 * Script for ffmpeg's concat demuxer that opens the camera. The address with its user and password goes this way because
 * stdin, unlike an argument, is private.
 */
export function inputScript({ uri, transport, credentials, timeoutMs }: FfmpegInput): string {
  return [
    "ffconcat version 1.0",
    `file ${quote(formatCredentials(uri, credentials))}`,
    `option rtsp_transport ${transport}`,
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
