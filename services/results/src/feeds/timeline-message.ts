import type { JsMsg } from "@nats-io/jetstream";
import {
  cameraIdOf,
  cameraName,
  type FrameDetections,
  type Gap,
  GapReason,
  limits,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import type { FeedListener } from "./feed.ts";

/** Frames of a camera that were lost before they were analysed. */
export interface FramesNotAnalysed {
  /** Resource name. */
  camera: string;
  /** Upper limit of the number; 0 when unknown. */
  lostFrames: number;
}

/** The gap that reports them. */
export function notAnalysedGap({ camera, lostFrames: messages }: FramesNotAnalysed): Gap {
  return { reason: GapReason.NOT_ANALYSED, messages, firstAvailableTime: undefined, camera };
}

/** Timeline entries that subscribers to detections may get. */
export type TimelineMessage = FrameDetections | FramesNotAnalysed;

export function isFrame(message: TimelineMessage): message is FrameDetections {
  return !("lostFrames" in message);
}

/** Reads a timeline entry; undefined when subscribers do not get its kind. @throws when it is not an entry, or belongs to another camera */
export function decodeTimeline(subject: string, data: Uint8Array): TimelineMessage | undefined {
  const { entry } = TimelineEntry.decode(data);
  if (!entry) throw new Error("the entry is empty");
  if (entry.$case === "lost") {
    const camera = cameraName(subject.slice(subjects.timeline("").length));
    if (cameraIdOf(camera) === undefined) throw new Error("the subject names no camera");
    return { camera, lostFrames: entry.value.frames };
  }
  if (entry.$case !== "frame") return undefined;
  const { frame, detections } = entry.value;
  const camera = cameraIdOf(frame?.camera ?? "");
  if (!frame || camera === undefined || subject !== subjects.timeline(camera))
    throw new Error("the frame is not of its subject's camera");
  if (detections.length > limits.maxDetectionsPerFrame)
    throw new Error(`the frame has ${detections.length} detections`);
  return entry.value;
}

/** The frame of a timeline entry; undefined for other kinds. @throws as `decodeTimeline` */
export function decodeFrame(subject: string, data: Uint8Array): FrameDetections | undefined {
  const message = decodeTimeline(subject, data);
  return message && isFrame(message) ? message : undefined;
}

/** A listener that gets only frames. */
export function framesOnly(
  listener: (frame: FrameDetections, stored: JsMsg) => void,
): FeedListener<TimelineMessage> {
  return (message, _, stored) => {
    if (isFrame(message)) listener(message, stored);
  };
}
