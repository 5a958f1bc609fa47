export {
  Camera,
  CameraReason,
  CameraState,
  cameraIdOf,
  cameraName,
  Detection,
  FrameDetections,
} from "@sightline/contracts";
export type { StreamOptions } from "./calls.ts";
export type { CallSettings, CameraChange, CameraChangeKind, CameraSettings, Cameras } from "./cameras.ts";
export { type ConnectOptions, connect, SightlineClient } from "./client.ts";
export type { DetectionEvent, DetectionFilter, Detections } from "./detections.ts";
export { type ErrorCode, SightlineError } from "./errors.ts";
