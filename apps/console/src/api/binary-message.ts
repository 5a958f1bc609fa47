import type { LivePicture } from "@sightline/contracts";

/** A picture and what was detected in the same frame. */
export interface PictureMessage {
  head: LivePicture;
  /** The JPEG, as a view into the message. */
  jpeg: Uint8Array<ArrayBuffer>;
}

/**
 * Parses a message with a picture.
 * @returns undefined if it is not one
 */
export function parsePictureMessage(data: ArrayBuffer): PictureMessage | undefined {
  const message = parseBinaryMessage(data);
  const head = message?.head as LivePicture | null | undefined;
  if (!message || message.content.byteLength === 0) return undefined;
  if (typeof head?.camera !== "string" || !Array.isArray(head.detections)) return undefined;
  return { head, jpeg: message.content };
}

const lengthBytes = 4;
const decoder = new TextDecoder();

/**
 * Parses a binary message: 32-bit little-endian length, head as JSON, then the data, as a view into the message.
 * @returns undefined if it is not one
 */
export function parseBinaryMessage(
  data: ArrayBuffer,
): { head: unknown; content: Uint8Array<ArrayBuffer> } | undefined {
  if (data.byteLength < lengthBytes) return undefined;
  const length = new DataView(data).getUint32(0, true);
  const start = lengthBytes + length;
  if (start > data.byteLength) return undefined;
  try {
    const head: unknown = JSON.parse(decoder.decode(new Uint8Array(data, lengthBytes, length)));
    return { head, content: new Uint8Array(data, start) };
  } catch {
    return undefined;
  }
}
