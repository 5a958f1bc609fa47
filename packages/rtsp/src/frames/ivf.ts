import type { NalCodec } from "./nal-kind.ts";

/** Codecs whose pictures go to ffmpeg one by one. */
export type PictureCodec = NalCodec | "JPEG";

const fourcc: Readonly<Record<PictureCodec, string>> = { H264: "H264", H265: "H265", JPEG: "MJPG" };
const frameHeaderBytes = 12;

/**
 * The head of an IVF stream: of all containers that ffmpeg reads it is the simplest that says where each picture ends, so that
 * ffmpeg need not wait for the next. `ticksPerSecond` is the unit of its frames' times.
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

/** Stands before each frame of so many bytes. */
export function ivfFrameHead(bytes: number, ticks: number): Buffer {
  const head = Buffer.alloc(frameHeaderBytes);
  head.writeUInt32LE(bytes, 0);
  head.writeBigInt64LE(BigInt(ticks), 4);
  return head;
}
