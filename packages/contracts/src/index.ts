export * from "./camera-name.ts";
export * from "./drop-reason.ts";
export * from "./frame-codec.ts";
export * from "./frame-id.ts";
export { FieldMask, type FieldMaskWrapperFns } from "./gen/google/protobuf/field_mask.ts";
export { Timestamp } from "./gen/google/protobuf/timestamp.ts";
export { Camera, CameraReason, CameraState, CameraStatus, Transport } from "./gen/sightline/v1/camera.ts";
export {
  CameraServiceClient,
  type CameraServiceServer,
  CameraServiceService,
  DeleteCameraRequest,
  DeleteCameraResponse,
  GetCameraRequest,
  GetCameraResponse,
  ListCamerasRequest,
  ListCamerasResponse,
  RegisterCameraRequest,
  RegisterCameraResponse,
  UpdateCameraRequest,
  UpdateCameraResponse,
  WatchCamerasRequest,
  WatchCamerasResponse,
  WatchCamerasResponse_Change,
} from "./gen/sightline/v1/camera_service.ts";
export {
  BoundingBox,
  Detection,
  FrameDetections,
  Inference,
  StageTimings,
} from "./gen/sightline/v1/detection.ts";
export {
  DetectionServiceClient,
  type DetectionServiceServer,
  DetectionServiceService,
  SkippedFrames,
  SubscribeDetectionsRequest,
  SubscribeDetectionsResponse,
} from "./gen/sightline/v1/detection_service.ts";
export {
  DroppedFrames,
  DropReason,
  FrameLedger,
  FrameMetadata,
  Letterbox,
  PixelFormat,
} from "./gen/sightline/v1/frame.ts";
export * from "./limits.ts";
export * from "./streams.ts";
export * from "./subjects.ts";
export * from "./timestamp.ts";
export * from "./wire.ts";
