/** A camera's own video as it comes, from ingest by HTTP to results and by WebSocket to a browser. It never crosses NATS. */
import { z } from "zod";
import type { LivePicture } from "./http-api.ts";

/** Head of a message with video; on the WebSocket `/api/v1/cameras/{camera}/video` the messages are binary. Its bytes follow: those of a fragmented MP4 (ISO/IEC 14496-12), in pieces. */
export const liveVideoHeadSchema = z.discriminatedUnion("type", [
  /** A movie begins: `ftyp` and `moov`. What comes goes with it until the next of these. */
  z.object({
    type: z.literal("start"),
    /** As in the `codecs` parameter of a media type, such as `avc1.640028`. */
    codec: z.string(),
    /** Size of the picture as it is shown, in pixels. */
    width: z.number(),
    height: z.number(),
  }),
  /** `moof` and `mdat`. */
  z.object({
    type: z.literal("pictures"),
    /** Of each picture its time in the movie, in seconds, and its capture time, in milliseconds since 1970. */
    times: z.array(z.tuple([z.number(), z.number()])),
  }),
  /** Of the camera's video no movie is made, for its codec or, where `reason` says it, for another reason; no bytes. */
  z.object({ type: z.literal("unplayable"), codec: z.string(), reason: z.string().optional() }),
]);
export type LiveVideoHead = z.infer<typeof liveVideoHeadSchema>;

/** Path at an ingest's HTTP server: an answer without end, of messages with their length (32-bit little-endian) in front of each. */
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

/** Text message on the same WebSocket: what was detected in a frame of the camera. */
export interface LiveDetectionsMessage {
  type: "detections";
  picture: LivePicture;
}
