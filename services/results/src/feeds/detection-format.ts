import { SubscribeDetectionsResponse, streams, subjects } from "@sightline/contracts";
import { applyFilter, type DetectionFeedFilter, isOfCamera } from "./detection-filter.ts";
import type { FeedFormat } from "./feed-format.ts";
import { decodeTimeline, isFrame, notAnalysedGap, type TimelineMessage } from "./timeline-message.ts";

/** Frames with detections, out of TIMELINE, and what is missing of them. */
export const detectionFormat: FeedFormat<TimelineMessage, DetectionFeedFilter> = {
  kind: "detections",
  stream: streams.timeline,
  subjectOf: subjects.timeline,
  decode: decodeTimeline,
  select(filter, message) {
    if (isFrame(message)) return applyFilter(filter, message);
    return filter.gaps && isOfCamera(filter, message.camera) ? "all" : undefined;
  },
  encode(message, selection, cursor) {
    if (!isFrame(message)) return this.encodeGap(notAnalysedGap(message), cursor);
    const value =
      selection === "all"
        ? message
        : { ...message, detections: selection.map((index) => message.detections[index]!) };
    return SubscribeDetectionsResponse.encode({ event: { $case: "frame", value }, cursor }).finish();
  },
  encodeGap(value, cursor) {
    return SubscribeDetectionsResponse.encode({ event: { $case: "gap", value }, cursor }).finish();
  },
  encodeProgress(cursor) {
    return SubscribeDetectionsResponse.encode({ event: { $case: "progress", value: {} }, cursor }).finish();
  },
};
