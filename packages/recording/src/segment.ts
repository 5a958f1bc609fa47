import { join } from "node:path";
import type { RecordedCodec } from "./coded-picture.ts";

/** A segment of a camera: one file. */
export interface Segment extends SegmentFacts {
  camera: string;
  /** Capture time of the end of the data written so far. */
  endMs: number;
  bytes: number;
}

/** A segment's name in requests; it stays the same while the segment is kept. */
export function segmentId({ fromMs }: Segment): string {
  return String(fromMs);
}

export function segmentPath(directory: string, segment: Segment): string {
  return join(directory, segment.camera, segmentName(segment));
}

/** Why a segment is kept: everything is recorded, an event needs it, or an event may still need it. */
export type SegmentKind = "continuous" | "event" | "pending";

/** The facts in a segment's name. */
export interface SegmentFacts {
  /** Capture times of its first picture and of the end of its last, in milliseconds since 1970. */
  fromMs: number;
  /** Undefined while it is being written. */
  toMs: number | undefined;
  codec: RecordedCodec;
  /** Size of the stored picture. */
  width: number;
  height: number;
  /** Whether it has sound. */
  audio: boolean;
  kind: SegmentKind;
}

const pattern =
  /^(\d{1,15})-(\d{1,15}|open)-(h264|h265)-(\d{1,5})x(\d{1,5})(-aac)?-(continuous|event|pending)\.mp4$/;

/** `1764341234567-1764341244601-h264-1920x1080-event.mp4`; with sound, `…-1920x1080-aac-event.mp4`. */
function segmentName({ fromMs, toMs, codec, width, height, audio, kind }: SegmentFacts): string {
  const sound = audio ? "-aac" : "";
  return `${fromMs}-${toMs ?? "open"}-${codec.toLowerCase()}-${width}x${height}${sound}-${kind}.mp4`;
}

/** Parses a name; undefined for other files. */
export function parseSegmentName(name: string): SegmentFacts | undefined {
  const [, from, to, codec, width, height, sound, kind] = pattern.exec(name) ?? [];
  if (from === undefined) return undefined;
  return {
    fromMs: Number(from),
    toMs: to === "open" ? undefined : Number(to),
    codec: codec === "h264" ? "H264" : "H265",
    ...{
      width: Number(width),
      height: Number(height),
      audio: sound !== undefined,
      kind: kind as SegmentKind,
    },
  };
}
