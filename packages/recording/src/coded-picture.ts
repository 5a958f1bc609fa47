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
