import type { Orientation } from "@sightline/media";

/** Codecs that are recorded. */
export type RecordedCodec = "H264" | "H265";

/** Whether video of this codec, as SDP calls it, can be recorded. */
export function isRecordedCodec(codec: string | undefined): codec is RecordedCodec {
  return codec === "H264" || codec === "H265";
}

/** One compressed picture as a camera sent it. */
export interface CodedPicture {
  /** NAL units with start codes (Annex B). */
  data: Uint8Array;
  /** Whether a decoder can begin here. */
  key: boolean;
  /** How it and those that need it are turned to be upright; of key pictures, none: they are. */
  orientation?: Orientation | undefined;
  /** The stream's own time in microseconds, different for each picture of a connection; it may jump. */
  ptsUs: number;
  /** When it had arrived, by performance.now(). */
  arrivedAt: number;
  /** The same by the wall clock, in milliseconds since 1970: its capture time. */
  captureMs: number;
}

/** Units a second of the times in files. */
export const ticksPerSecond = 90_000;

const startCode = Buffer.from([0, 0, 1]);

/** Where a NAL unit lies in a picture. */
export interface UnitPlace {
  start: number;
  end: number;
}

/** The NAL units of a picture, without their start codes. */
export function nalUnits(data: Uint8Array): UnitPlace[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const units: UnitPlace[] = [];
  for (let at = bytes.indexOf(startCode); at >= 0; ) {
    const start = at + startCode.length;
    at = bytes.indexOf(startCode, start);
    let end = at < 0 ? bytes.length : at;
    // A start code of four bytes, or padding.
    while (end > start && bytes[end - 1] === 0) end -= 1;
    if (end > start) units.push({ start, end });
  }
  return units;
}

/** What kind a NAL unit is, by its first byte. */
export function unitType(codec: RecordedCodec, first: number): number {
  return codec === "H264" ? first & 0x1f : (first >> 1) & 0x3f;
}

/** Bytes of a picture whose units have their length in front (ISO/IEC 14496-15), 4 bytes each. */
export function lengthPrefixedBytes(units: readonly UnitPlace[]): number {
  return units.reduce((sum, { start, end }) => sum + 4 + end - start, 0);
}

/** Writes a picture's units with their lengths to `target` from `at` on; returns where they end. */
export function writeLengthPrefixed(
  data: Uint8Array,
  units: readonly UnitPlace[],
  target: Buffer,
  at: number,
): number {
  let position = at;
  for (const { start, end } of units) {
    position = target.writeUInt32BE(end - start, position);
    target.set(data.subarray(start, end), position);
    position += end - start;
  }
  return position;
}
