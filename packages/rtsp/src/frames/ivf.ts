import { reportArguments } from "../ffmpeg-program.ts";
import type { NalCodec } from "./nal-units.ts";

/** Codecs whose pictures go to ffmpeg one by one. */
export type PictureCodec = NalCodec | "JPEG";

const fourcc: Readonly<Record<PictureCodec, string>> = { H264: "H264", H265: "H265", JPEG: "MJPG" };
const frameHeaderBytes = 12;

/**
 * The head of an IVF stream: it is the simplest container for ffmpeg that says where each picture ends, so ffmpeg does not have to wait
 * for the next one. `ticksPerSecond` is the unit of its frames' times.
 */
export function ivfHead(codec: PictureCodec, ticksPerSecond: number): Buffer {
  const head = Buffer.alloc(32);
  head.write("DKIF", 0, "latin1");
  head.writeUInt16LE(32, 6);
  head.write(fourcc[codec], 8, "latin1");
  head.writeUInt32LE(ticksPerSecond, 16);
  head.writeUInt32LE(1, 20);
  return head;
}

/** Written before each frame; `bytes` is the frame's size. */
export function ivfFrameHead(bytes: number, ticks: number): Buffer {
  const head = Buffer.alloc(frameHeaderBytes);
  head.writeUInt32LE(bytes, 0);
  head.writeBigInt64LE(BigInt(ticks), 4);
  return head;
}

/** Not every ffmpeg knows IVF's name for H.265, so the decoder is given explicitly. */
const decoder: Readonly<Record<PictureCodec, string>> = { H264: "h264", H265: "hevc", JPEG: "mjpeg" };

/** Arguments, up to and including the input, that make ffmpeg read pictures from a `FramePipe` and open nothing else. */
export function frameArguments(codec: PictureCodec): readonly string[] {
  return [
    ...reportArguments,
    ...["-probesize", "32", "-analyzeduration", "0", "-c:v", decoder[codec]],
    ...["-f", "ivf", "-protocol_whitelist", "pipe", "-i", "pipe:0"],
  ];
}
