import { reportArguments } from "../ffmpeg-report.ts";

/** What ffmpeg may open: the script on stdin, and the relay on loopback. */
const protocols = "pipe,rtsp,tcp";

/**
 * Arguments, up to and with the input, that make ffmpeg read the script of `inputScript` from stdin and report on stderr
 * what arrives (see ffmpeg-report.ts). They hold no address, since any user of the machine can read a process's arguments,
 * and the relay's address is its secret.
 *
 * `-dump` reports a packet when it has arrived, before it is decoded; a `-c copy` output would only be written after.
 */
export const inputArguments: readonly string[] = [
  ...reportArguments,
  "-dump",
  ...["-probesize", "32", "-analyzeduration", "0"],
  ...["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0"],
];

/** Script for ffmpeg's concat demuxer that opens the relay at `url`. It goes by stdin, which is private. */
export function inputScript(url: string): string {
  return [
    "ffconcat version 1.0",
    `file '${url}'`,
    "option rtsp_transport tcp",
    "option allowed_media_types video",
    "option probesize 32",
    "option analyzeduration 0",
    "",
  ].join("\n");
}
