import {
  cameraIdOf,
  encodeBinaryMessage,
  type FrameDetections,
  fromTimestamp,
  type HttpAnalysedFrame,
  type LivePicture,
} from "@sightline/contracts";
import { shorten, toHttpAttributes, toHttpBox } from "@sightline/contracts/api";

/** A frame as browsers get it. `now`: the wall clock, in milliseconds since 1970. */
export function toLivePicture(analysed: FrameDetections, now: number): LivePicture {
  const frame = toHttpAnalysedFrame(analysed, now);
  return { ...frame, latencyMs: Math.max(0, Math.round((now - frame.captureTimeMs) * 100) / 100) };
}

/** An analysed frame in JSON. `now`: used as its time if it has none, in milliseconds since 1970. */
export function toHttpAnalysedFrame({ frame, detections }: FrameDetections, now: number): HttpAnalysedFrame {
  return {
    camera: cameraIdOf(frame?.camera ?? "") ?? "",
    epoch: frame?.epoch ?? "",
    number: frame?.number ?? 0,
    captureTimeMs: frame?.captureTime ? fromTimestamp(frame.captureTime) : now,
    detections: detections.map(({ trackId, className, score, normalizedBox, attributes }) => ({
      trackId,
      className,
      score: shorten(score),
      box: toHttpBox(normalizedBox),
      ...(attributes.length > 0 && { attributes: toHttpAttributes(attributes) }),
    })),
  };
}

/** The binary message of a frame: header, then JPEG. */
export function encodePictureMessage(event: FrameDetections, jpeg: Uint8Array, now: number): Buffer {
  return encodeBinaryMessage(toLivePicture(event, now), jpeg);
}
