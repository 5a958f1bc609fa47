import type { Orientation } from "@sightline/media";

/** Codecs that are recorded. */
export type RecordedCodec = "H264" | "H265";

/** Whether video of this codec (SDP's name) can be recorded. */
export function isRecordedCodec(codec: string | undefined): codec is RecordedCodec {
  return codec === "H264" || codec === "H265";
}

/** One compressed picture as a camera sent it. */
export interface CodedPicture {
  /** NAL units with start codes (Annex B). */
  data: Uint8Array;
  /** Whether a decoder can start here. */
  key: boolean;
  /** How this picture and those that depend on it must be turned to be upright; only on key pictures. Missing: they are upright. */
  orientation?: Orientation | undefined;
  /** The stream's own time in microseconds, unique for each picture of a connection; it may jump. */
  ptsUs: number;
  /** Arrival of the complete picture, by performance.now(). */
  arrivedAt: number;
  /** The same moment by the wall clock, in milliseconds since 1970: the capture time. */
  captureMs: number;
}

/** Time units per second in files. */
export const ticksPerSecond = 90_000;

const startCode = Buffer.from([0, 0, 1]);

/** Position of a NAL unit in a picture. */
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
    // A four-byte start code, or padding.
    while (end > start && bytes[end - 1] === 0) end -= 1;
    if (end > start) units.push({ start, end });
  }
  return units;
}

/** The type of a NAL unit, from its first byte. */
export function unitType(codec: RecordedCodec, first: number): number {
  return codec === "H264" ? first & 0x1f : (first >> 1) & 0x3f;
}

/** Size of a picture whose units have a 4-byte length in front (ISO/IEC 14496-15). */
export function lengthPrefixedBytes(units: readonly UnitPlace[]): number {
  return units.reduce((sum, { start, end }) => sum + 4 + end - start, 0);
}

/** Writes a picture's units with their lengths to `target`, starting at `at`; returns the end position. */
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
