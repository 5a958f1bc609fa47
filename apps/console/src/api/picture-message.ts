import type { LivePicture } from "@sightline/contracts";
import { parseBinaryMessage } from "./binary-message.ts";

/** A picture and what was detected in the same frame. */
export interface PictureMessage {
  head: LivePicture;
  /** The JPEG, a view into the message. */
  jpeg: Uint8Array<ArrayBuffer>;
}

/** Takes a message with a picture apart. @returns undefined if it is not one */
export function parsePictureMessage(data: ArrayBuffer): PictureMessage | undefined {
  const message = parseBinaryMessage(data);
  const head = message?.head as LivePicture | null | undefined;
  if (!message || message.content.byteLength === 0) return undefined;
  if (typeof head?.camera !== "string" || !Array.isArray(head.detections)) return undefined;
  return { head, jpeg: message.content };
}
