import { join } from "node:path";
import { type SegmentFacts, segmentName } from "./segment-name.ts";

/** A segment of a camera: one file. */
export interface Segment extends SegmentFacts {
  camera: string;
  /** Capture time of the end of what has been written. */
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
