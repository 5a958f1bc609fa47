import {
  cameraIdOf,
  type FrameDetections,
  limits,
  type SubscribeDetectionsRequest,
} from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";

const maxCameras = 1000;
const maxClassLength = 64;

/** What a subscriber wants. */
export interface DetectionFilter {
  /** Resource names; undefined means every camera. */
  cameras: ReadonlySet<string> | undefined;
  /** Class names; undefined means every class. */
  classes: ReadonlySet<string> | undefined;
  minScore: number;
  includeEmpty: boolean;
  /** Equal for filters that let the same through. */
  key: string;
}

/**
 * Checks a subscription. A camera need not be registered yet: a subscription outlives a camera that is removed and
 * registered again. @throws ApiError invalid_argument
 */
export function readFilter(request: SubscribeDetectionsRequest): DetectionFilter {
  const { minScore, includeEmpty } = request;
  if (request.cameras.length > maxCameras)
    throw invalid(`cameras has ${request.cameras.length} names; the most is ${maxCameras}`);
  if (request.cameras.some((name) => cameraIdOf(name) === undefined))
    throw invalid("cameras has a name that is not valid; expected cameras/{camera}");
  if (request.classes.length > limits.maxClasses)
    throw invalid(`classes has ${request.classes.length} names; the most is ${limits.maxClasses}`);
  if (request.classes.some((name) => name === "" || name.length > maxClassLength))
    throw invalid(`classes has a name that is empty or longer than ${maxClassLength} characters`);
  if (!(minScore >= 0 && minScore <= 1)) throw invalid(`min_score is ${minScore}; expected 0 to 1`);
  const cameras = [...new Set(request.cameras)].sort();
  const classes = [...new Set(request.classes)].sort();
  return {
    cameras: cameras.length > 0 ? new Set(cameras) : undefined,
    classes: classes.length > 0 ? new Set(classes) : undefined,
    minScore,
    includeEmpty,
    key: JSON.stringify([cameras, classes, minScore, includeEmpty]),
  };
}

/**
 * Indices of the frame's detections that pass, "all" when every one does, undefined when the frame is not to be
 * sent at all.
 */
export function applyFilter(filter: DetectionFilter, event: FrameDetections): number[] | "all" | undefined {
  if (filter.cameras && !filter.cameras.has(event.frame?.camera ?? "")) return undefined;
  const { detections } = event;
  const passing: number[] = [];
  for (let i = 0; i < detections.length; i++) {
    const { className, score } = detections[i]!;
    if (score >= filter.minScore && (!filter.classes || filter.classes.has(className))) passing.push(i);
  }
  if (passing.length === 0 && !filter.includeEmpty) return undefined;
  return passing.length === detections.length ? "all" : passing;
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
