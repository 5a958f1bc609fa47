import { type FrameDetections, streams, subjects } from "@sightline/contracts";
import { type SubscribeDetectionsRequest, SubscribeDetectionsResponse } from "@sightline/contracts/api";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import type { FeedFilter, FeedFormat, Selection } from "./feed-format.ts";
import { type CameraSet, filterKey, invalidArgument, readCameras, readNames } from "./filter-fields.ts";
import { decodeTimeline, isFrame, notAnalysedGap, type TimelineMessage } from "./timeline-message.ts";

/** The wanted detections. */
export interface DetectionFeedFilter extends FeedFilter, CameraSet {
  /** Class names; undefined means every class. */
  classes: ReadonlySet<string> | undefined;
  minScore: number;
  includeEmpty: boolean;
  /** Whether frames that were not analysed are reported. */
  gaps: boolean;
}

/** Checks the filters of a request, and leaves out cameras outside the scope. @throws ApiError invalid_argument */
export function readFilter(
  request: Pick<SubscribeDetectionsRequest, "cameras" | "classes" | "minScore" | "includeEmpty"> &
    Partial<Pick<SubscribeDetectionsRequest, "start">>,
  scope: CameraScope = allCameras,
): DetectionFeedFilter {
  const { minScore, includeEmpty } = request;
  const cameras = readCameras(request.cameras, scope);
  const classes = readNames("classes", request.classes);
  if (!(minScore >= 0 && minScore <= 1)) throw invalidArgument(`min_score is ${minScore}; expected 0 to 1`);
  const gaps = request.start !== undefined;
  const key = filterKey(cameras.camerasKey, classes, minScore, includeEmpty, gaps);
  return { ...cameras, classes, minScore, includeEmpty, gaps, key };
}

/** Whether the filter includes the camera, by its resource name. */
export function isOfCamera({ cameras }: CameraSet, camera: string): boolean {
  return cameras?.has(camera) ?? true;
}

/** Indices of the frame's detections that pass, "all" when every one does, undefined when the frame is not sent at all. */
export function applyFilter(filter: DetectionFeedFilter, event: FrameDetections): Selection | undefined {
  if (!isOfCamera(filter, event.frame?.camera ?? "")) return undefined;
  const { detections } = event;
  const passing: number[] = [];
  for (let i = 0; i < detections.length; i++) {
    const { className, score } = detections[i]!;
    if (score >= filter.minScore && (!filter.classes || filter.classes.has(className))) passing.push(i);
  }
  if (passing.length === 0 && !filter.includeEmpty) return undefined;
  return passing.length === detections.length ? "all" : passing;
}

/** Frames with detections from TIMELINE, and their gaps. */
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
