import type { LivePicture } from "@sightline/contracts";

/** A picture and what was detected in the same frame. */
export interface PictureMessage {
  head: LivePicture;
  /** The JPEG, a view into the message. */
  jpeg: Uint8Array<ArrayBuffer>;
}

const lengthBytes = 4;
const decoder = new TextDecoder();

/**
 * Takes a binary live message apart: 32-bit little-endian length, head as JSON, JPEG.
 * @returns undefined if it is not one
 */
export function parsePictureMessage(data: ArrayBuffer): PictureMessage | undefined {
  if (data.byteLength < lengthBytes) return undefined;
  const length = new DataView(data).getUint32(0, true);
  const start = lengthBytes + length;
  if (start >= data.byteLength) return undefined;
  try {
    const head = JSON.parse(decoder.decode(new Uint8Array(data, lengthBytes, length))) as LivePicture;
    if (typeof head.camera !== "string" || !Array.isArray(head.detections)) return undefined;
    return { head, jpeg: new Uint8Array(data, start) };
  } catch {
    return undefined;
  }
}
