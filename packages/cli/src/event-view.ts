import type { DetectionEvent, MissingMessages } from "@sightline/client";
import { type BoundingBox, cameraIdOf, type FrameDetections, fromTimestamp } from "@sightline/contracts";
import { shorten, toHttpAttributes } from "@sightline/contracts/api";
import { inCommandWords } from "./describe-error.ts";

/** An event as `watch --json` prints it; `receivedAt` is the wall clock in milliseconds. */
export function eventJson(event: DetectionEvent, receivedAt: number) {
  if (event.kind === "skipped") return { type: "skipped", count: event.count };
  if (event.kind === "gap") return { type: "gap", ...event.gap };
  if (event.kind === "interrupted") return { type: "interrupted", reason: event.reason.message };
  const { frame, detections, timings, inference } = event.frame;
  return {
    type: "frame",
    camera: cameraOf(event.frame),
    epoch: frame?.epoch,
    number: frame?.number,
    captureTime: frame?.captureTime && new Date(fromTimestamp(frame.captureTime)).toISOString(),
    latencyMs: latency(event.frame, receivedAt),
    detections: detections.map(({ classId, className, score, pixelBox, normalizedBox, attributes }) => ({
      classId,
      class: className,
      score: shorten(score),
      pixelBox: boxJson(pixelBox),
      normalizedBox: boxJson(normalizedBox),
      ...(attributes.length > 0 && { attributes: toHttpAttributes(attributes) }),
    })),
    timings,
    inference,
  };
}

/** Why messages are missing, in words. */
export const gapWords: Readonly<Record<MissingMessages["reason"], string>> = {
  expired: "they are older than what is kept",
  stream_reset: "what was kept was lost, and began anew",
  not_analysed: "these frames were lost before they were analysed",
};

/** An event as `watch` prints it: time, camera, frame number, latency, and each object with its box in pixels. */
export function eventText(event: DetectionEvent, receivedAt: number): string {
  if (event.kind === "skipped") return `… ${event.count} frames skipped: this reader is too slow`;
  if (event.kind === "gap") return `… messages are gone: ${gapWords[event.gap.reason]}`;
  if (event.kind === "interrupted")
    return `… the connection was lost: ${inCommandWords(event.reason.message)}`;
  const { frame, detections } = event.frame;
  const time = frame?.captureTime
    ? new Date(fromTimestamp(frame.captureTime)).toISOString().slice(11, 23)
    : "";
  const found = detections.map(({ className, score, pixelBox, attributes }) => {
    const { xMin = 0, yMin = 0, xMax = 0, yMax = 0 } = pixelBox ?? {};
    const box = [xMin, yMin, xMax - xMin, yMax - yMin].map(Math.round);
    const words = [className, ...attributes.map(({ value }) => value)].join(" ");
    return `${words} ${score.toFixed(2)} at ${box[0]},${box[1]} ${box[2]}x${box[3]}`;
  });
  const age = latency(event.frame, receivedAt);
  return `${time}  ${cameraOf(event.frame)}  #${frame?.number}  ${age?.toFixed(0)} ms  ${found.join("; ") || "nothing"}`;
}

function cameraOf({ frame }: FrameDetections): string {
  const name = frame?.camera ?? "";
  return cameraIdOf(name) ?? name;
}

/** From capture to here, in milliseconds with two decimals. */
function latency({ frame }: FrameDetections, receivedAt: number): number | undefined {
  return frame?.captureTime && Math.round((receivedAt - fromTimestamp(frame.captureTime)) * 100) / 100;
}

function boxJson(box: BoundingBox | undefined) {
  return (
    box && {
      xMin: shorten(box.xMin),
      yMin: shorten(box.yMin),
      xMax: shorten(box.xMax),
      yMax: shorten(box.yMax),
    }
  );
}
