import {
  type BoundingBox,
  cameraIdOf,
  type FrameDetections,
  shorten,
  toHttpAttributes,
  toHttpBox,
  toIso,
} from "@sightline/contracts";
import { csvRecord } from "./csv.ts";

/** What every format says of a frame. */
export function frameFields({ frame }: FrameDetections) {
  return {
    camera: cameraIdOf(frame?.camera ?? "") ?? "",
    epoch: frame?.epoch ?? "",
    number: frame?.number ?? 0,
    captureTime: toIso(frame?.captureTime),
    width: frame?.sourceWidth ?? 0,
    height: frame?.sourceHeight ?? 0,
  };
}

/** A box in pixels as COCO writes it: left, top, width, height, to the hundredth. */
export function cocoBox(box: BoundingBox | undefined): [number, number, number, number] {
  const { xMin = 0, yMin = 0, xMax = 0, yMax = 0 } = box ?? {};
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return [rounded(xMin), rounded(yMin), rounded(xMax - xMin), rounded(yMax - yMin)];
}

/** Frames as JSON Lines; one line each, with its detections. Boxes are left, top, right, bottom. */
export async function* detectionsAsJsonLines(
  frames: AsyncIterable<FrameDetections>,
): AsyncGenerator<string, void> {
  for await (const frame of frames) {
    const detections = frame.detections.map((detection) => ({
      class: detection.className,
      score: shorten(detection.score),
      trackId: detection.trackId,
      pixelBox: toHttpBox(detection.pixelBox),
      normalizedBox: toHttpBox(detection.normalizedBox),
      ...(detection.attributes.length > 0 && { attributes: toHttpAttributes(detection.attributes) }),
    }));
    yield `${JSON.stringify({ ...frameFields(frame), detections })}\n`;
  }
}

/** Detections as CSV with a header; one record each, boxes in pixels. */
export async function* detectionsAsCsv(frames: AsyncIterable<FrameDetections>): AsyncGenerator<string, void> {
  yield csvRecord([
    ...["camera", "epoch", "number", "capture_time", "width", "height"],
    ...["class", "score", "track_id", "x_min", "y_min", "x_max", "y_max"],
  ]);
  for await (const frame of frames) {
    const { camera, epoch, number, captureTime, width, height } = frameFields(frame);
    for (const { className, score, trackId, pixelBox } of frame.detections)
      yield csvRecord([
        ...[camera, epoch, number, captureTime, width, height],
        ...[className, shorten(score), trackId, ...toHttpBox(pixelBox)],
      ]);
  }
}
