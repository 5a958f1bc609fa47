import {
  cameraIdOf,
  type FrameDetections,
  limits,
  SubscribeDetectionsResponse,
  streams,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import { applyFilter, type DetectionFilter } from "./detection-filter.ts";
import type { FeedFormat } from "./feed-format.ts";

/** Frames with detections, out of TIMELINE. */
export const detectionFormat: FeedFormat<FrameDetections, DetectionFilter> = {
  kind: "detections",
  stream: streams.timeline,
  subjectOf: subjects.timeline,
  decode: decodeFrame,
  select: applyFilter,
  encode(message, selection, cursor) {
    const value =
      selection === "all"
        ? message
        : { ...message, detections: selection.map((index) => message.detections[index]!) };
    return SubscribeDetectionsResponse.encode({ event: { $case: "frame", value }, cursor }).finish();
  },
  encodeGap(value, cursor) {
    return SubscribeDetectionsResponse.encode({ event: { $case: "gap", value }, cursor }).finish();
  },
};

/** The frame of a timeline entry; undefined when it is of another kind. @throws for what is no entry, or another camera's */
export function decodeFrame(subject: string, data: Uint8Array): FrameDetections | undefined {
  const { entry } = TimelineEntry.decode(data);
  if (!entry) throw new Error("the entry is empty");
  if (entry.$case !== "frame") return undefined;
  const { frame, detections } = entry.value;
  const camera = cameraIdOf(frame?.camera ?? "");
  if (!frame || camera === undefined || subject !== subjects.timeline(camera))
    throw new Error("the frame is not of its subject's camera");
  if (detections.length > limits.maxDetectionsPerFrame)
    throw new Error(`the frame has ${detections.length} detections`);
  return entry.value;
}
