import {
  type BoundingBox,
  cameraIdOf,
  type Event,
  type FrameDetections,
  type HttpAttributes,
  type HttpEvent,
  toIso,
} from "@sightline/contracts";
import { shorten, toHttpAttributes, toHttpBox, toHttpEvent } from "@sightline/contracts/api";

const columns: readonly (readonly [name: string, value: (event: HttpEvent) => CsvValue])[] = [
  ["camera", ({ camera }) => camera],
  ["id", ({ id }) => id],
  ["type", ({ type }) => type],
  ["phase", ({ phase }) => phase],
  ["revision", ({ revision }) => revision],
  ["rule", ({ rule }) => rule],
  ["zone", ({ zone }) => zone],
  ["line", ({ line }) => line],
  ["direction", ({ direction }) => direction],
  ["track_id", ({ track }) => track?.id],
  ["class", ({ track }) => track?.className],
  ["attributes", ({ track }) => attributesText(track?.attributes)],
  ["best_score", ({ track }) => track?.bestScore],
  ["count", ({ count }) => count],
  ["start_time", ({ startTime }) => startTime],
  ["update_time", ({ updateTime }) => updateTime],
  ["end_time", ({ endTime }) => endTime],
  ["end_reason", ({ endReason }) => endReason],
  ["has_snapshot", ({ hasSnapshot }) => String(hasSnapshot)],
  ["has_clip", ({ hasClip }) => String(hasClip)],
  ["message", ({ message }) => message],
];

/** Events as JSON Lines, in the form of the HTTP API. */
export async function* eventsAsJsonLines(events: AsyncIterable<Event>): AsyncGenerator<string, void> {
  for await (const event of events) yield `${JSON.stringify(toHttpEvent(event))}\n`;
}

/** Events as CSV with a header; one record each. */
export async function* eventsAsCsv(events: AsyncIterable<Event>): AsyncGenerator<string, void> {
  yield csvRecord(columns.map(([name]) => name));
  for await (const event of events) {
    const shown = toHttpEvent(event);
    yield csvRecord(columns.map(([, value]) => value(shown)));
  }
}

/** `colour=red; helmet=none` */
function attributesText(attributes: HttpAttributes = {}): string {
  return Object.entries(attributes)
    .map(([name, { value }]) => `${name}=${value}`)
    .join("; ");
}

/** The fields of a frame in every format. */
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

/** A box in pixels in COCO's form: left, top, width, height, with two decimals. */
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

/** A value of a CSV field; null and undefined are empty. */
type CsvValue = string | number | boolean | null | undefined;

/** One record of RFC 4180, including its line end: fields with commas, quotes or line ends are quoted, quotes are doubled. */
export function csvRecord(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(",")}\r\n`;
}

function csvField(value: CsvValue): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
