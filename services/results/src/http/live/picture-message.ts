import {
  cameraIdOf,
  encodeBinaryMessage,
  type FrameDetections,
  fromTimestamp,
  type LivePicture,
  shorten,
  toHttpBox,
} from "@sightline/contracts";

/** What browsers are told of a frame. `now`: the wall clock, in milliseconds since 1970. */
export function toLivePicture({ frame, detections }: FrameDetections, now: number): LivePicture {
  const captureTimeMs = frame?.captureTime ? fromTimestamp(frame.captureTime) : now;
  return {
    camera: cameraIdOf(frame?.camera ?? "") ?? "",
    epoch: frame?.epoch ?? "",
    number: frame?.number ?? 0,
    captureTimeMs,
    latencyMs: Math.max(0, Math.round((now - captureTimeMs) * 100) / 100),
    detections: detections.map(({ trackId, className, score, normalizedBox }) => ({
      trackId,
      className,
      score: shorten(score),
      box: toHttpBox(normalizedBox),
    })),
  };
}

/** The binary message of a frame: its head, then the JPEG. */
export function encodePictureMessage(event: FrameDetections, jpeg: Uint8Array, now: number): Buffer {
  return encodeBinaryMessage(toLivePicture(event, now), jpeg);
}
