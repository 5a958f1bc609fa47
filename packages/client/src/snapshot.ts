import type { FrameReference } from "@sightline/contracts";

/** A JPEG and the frame that it shows. */
export interface Snapshot {
  jpeg: Uint8Array;
  frame: FrameReference;
}
