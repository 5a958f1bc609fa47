/** A camera's own video, unchanged: it goes from ingest to results by HTTP and to a browser by WebSocket, never over NATS. */
import { z } from "zod";
import type { LivePicture } from "./http-api.ts";

/**
 * Head of a message with video; on the WebSocket `/api/v1/cameras/{camera}/video` the messages are binary. After it come bytes of a fragmented MP4
 * (ISO/IEC 14496-12), in pieces.
 */
export const liveVideoHeadSchema = z.discriminatedUnion("type", [
  /** A movie begins: `ftyp` and `moov`. All following messages belong to it until the next message of this type. */
  z.object({
    type: z.literal("start"),
    /** The value for the `codecs` parameter of a media type, such as `avc1.640028`. */
    codec: z.string(),
    /** Size of the picture as it is shown, in pixels. */
    width: z.number(),
    height: z.number(),
  }),
  /** `moof` and `mdat`. */
  z.object({
    type: z.literal("pictures"),
    /** For each picture, its time in the movie in seconds and its capture time in milliseconds since 1970. */
    times: z.array(z.tuple([z.number(), z.number()])),
  }),
  /** The camera's video cannot be made into a movie, because of its codec or the `reason` given; no bytes follow. */
  z.object({ type: z.literal("unplayable"), codec: z.string(), reason: z.string().optional() }),
]);
export type LiveVideoHead = z.infer<typeof liveVideoHeadSchema>;

/** Path on an ingest's HTTP server. The answer never ends; each message has its length in front (32-bit little-endian). */
export const liveVideoPath = (camera: string) => `/cameras/${camera}/video`;

const lengthBytes = 4;

/** A binary message for browsers: the length of the head (32-bit little-endian), the head as JSON, then the bytes. */
export function encodeBinaryMessage(
  head: LiveVideoHead | LivePicture,
  data: Uint8Array = new Uint8Array(),
): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(text.byteLength);
  return Buffer.concat([length, text, data]);
}

/** Text message on the same WebSocket: the detections in a frame of the camera. */
export interface LiveDetectionsMessage {
  type: "detections";
  picture: LivePicture;
}
