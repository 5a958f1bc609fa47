/** Whether a media file ends earlier than its own structure says. */
import { type FileHandle, open } from "node:fs/promises";
import { endOfPackets, packetLayout, transportStreamHead } from "./transport-stream.ts";

/** Finds where a container says that it ends: the offset after its last part that has begun; undefined if it does not say. */
type EndOf = (file: FileHandle, length: number) => Promise<number | undefined>;

/** ISO/IEC 14496-12, 4.2: a sequence of boxes; each has its size before its type. */
const endOfBoxes: EndOf = async (file, length) => {
  let at = 0;
  while (at < length) {
    const head = await bytes(file, at, 16);
    const short = head.length < 8 ? undefined : head.readUInt32BE(0);
    if (short === undefined || (short === 1 && head.length < 16)) return at + 8;
    const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short;
    // Zero means up to the end of the file. Less than a header is not a box, so nothing is known.
    if (size < 8) return undefined;
    at += size;
  }
  return at;
};

/** RIFF: a sequence of chunks of even length; each has its size after its type. */
const endOfChunks: EndOf = async (file, length) => {
  let end = 0;
  for (let at = 0; at < length; at = end + (end % 2)) {
    const head = await bytes(file, at, 8);
    if (head.length < 8) return at + 8;
    // A file that was never finished, or a live stream, has no size.
    const size = head.readUInt32LE(4);
    if (size === 0 || size === 0xffffffff) return undefined;
    end = at + 8 + size;
  }
  return end;
};

/** Matroska (RFC 8794): a sequence of elements; id and size are numbers of variable length. */
const endOfElements: EndOf = async (file, length) => {
  let at = 0;
  while (at < length) {
    const head = await bytes(file, at, 12);
    const idLength = lengthOf(head[0]);
    const sizeLength = lengthOf(head[idLength]);
    if (head.length < idLength + sizeLength) return at + 12;
    let size = BigInt(head[idLength]! & (0xff >> sizeLength));
    for (const byte of head.subarray(idLength + 1, idLength + sizeLength)) size = size * 256n + BigInt(byte);
    // All ones: unknown, as in a stream.
    if (size === (1n << BigInt(7 * sizeLength)) - 1n) return undefined;
    at += idLength + sizeLength + Number(size);
  }
  return at;
};

/** Length in bytes of a Matroska number that begins with this byte. */
function lengthOf(first = 0): number {
  return Math.clz32(first) - 23;
}

/** More than a picture of any camera; a video of JPEG pictures may be much larger. */
const mostJpegBytes = 128 * 1024 ** 2;

/** JPEG (ITU-T T.81, B.1): segments, each with its length after its marker, and coded data up to the next marker. */
const endOfJpeg: EndOf = async (file, size) => {
  const data = await bytes(file, 0, Math.min(size, mostJpegBytes));
  const { length } = data;
  for (let at = 2; at + 4 <= length; ) {
    if (data[at] !== 0xff) return undefined;
    const marker = data[at + 1]!;
    if (marker === 0xd9) return at + 2;
    // A marker may have bytes of FF before it.
    if (marker === 0xff) at += 1;
    else at += 2 + data.readUInt16BE(at + 2);
    if (marker !== 0xda) continue;
    while (at < length && (data[at] !== 0xff || isCoded(data[at + 1]))) at += 1;
    if (data[at + 1] === 0xd9) return at + 2;
  }
  return length < size ? undefined : length + 1;
};

/** Whether an FF byte followed by this one is part of coded data: a literal FF, or a restart marker. */
function isCoded(next: number | undefined): boolean {
  return next === 0 || (next !== undefined && next >= 0xd0 && next <= 0xd7);
}

/** PNG (ISO/IEC 15948, 5.3): chunks with their length before their type and a checksum at the end, up to IEND. */
const endOfPng: EndOf = async (file, length) => {
  let at = 8;
  for (let type = ""; type !== "IEND"; ) {
    const head = await bytes(file, at, 8);
    if (head.length < 8 || at > length) return at + 8;
    type = head.toString("latin1", 4, 8);
    at += 12 + head.readUInt32BE(0);
  }
  return at;
};

/** Chooses the container by the file's first bytes. */
function endFor(head: Buffer): EndOf | undefined {
  const layout = packetLayout(head);
  if (layout) return (file, length) => endOfPackets(file, length, layout);
  const tag = head.toString("latin1", 0, 12);
  if (/^.{4}(?:ftyp|moov|mdat|free|skip|wide|styp|pnot)/s.test(tag)) return endOfBoxes;
  if (tag.startsWith("\xff\xd8\xff")) return endOfJpeg;
  if (tag.startsWith("\x89PNG")) return endOfPng;
  if (tag.startsWith("RIFF")) return endOfChunks;
  return tag.startsWith("\x1aE\xdf\xa3") ? endOfElements : undefined;
}

/**
 * Whether a file is cut short, as a copy or download that broke off leaves it: MP4 and MOV, Matroska and WebM, MPEG transport streams, AVI, WebP,
 * JPEG and PNG say how long their parts are. For other files, and for streams that were written as they came, this cannot be known.
 * @throws the system's error when the file cannot be read
 */
export async function isCutShort(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const end = await endFor(await bytes(file, 0, transportStreamHead))?.(file, size);
    return end !== undefined && end > size;
  } finally {
    await file.close();
  }
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
