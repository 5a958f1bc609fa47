export * from "./access.ts";
export * from "./attribute-readings.ts";
export * from "./backoff.ts";
export * from "./bounded-map.ts";
export * from "./camera-json.ts";
export * from "./camera-record.ts";
export * from "./camera-settings.ts";
export * from "./camera-status.ts";
export * from "./errors.ts";
export * from "./frame-codec.ts";
export { Duration } from "./gen/google/protobuf/duration.ts";
export { FieldMask, type FieldMaskWrapperFns } from "./gen/google/protobuf/field_mask.ts";
export { Timestamp } from "./gen/google/protobuf/timestamp.ts";
export {
  Attribute,
  AttributeCondition,
  AttributeProbability,
  AttributeReading,
} from "./gen/sightline/v1/attribute.ts";
export {
  Camera,
  CameraReason,
  CameraState,
  CameraStatus,
  Decode,
  MaskedVideo,
  PrivacyMask,
  Recording,
  RecordingMode,
  RecordingStatus,
  RecordStreamStatus,
  SecondStage,
  Transport,
} from "./gen/sightline/v1/camera.ts";
export { Detection, FrameDetections, Inference, StageTimings } from "./gen/sightline/v1/detection.ts";
export {
  CrossingDirection,
  EndReason,
  Event,
  EventPhase,
  EventReview,
  EventType,
  FrameReference,
  Track,
} from "./gen/sightline/v1/event.ts";
export {
  DroppedFrames,
  DropReason,
  FrameLedger,
  FrameMetadata,
  Letterbox,
  PixelFormat,
} from "./gen/sightline/v1/frame.ts";
export { BoundingBox, Point, protobufFileName } from "./gen/sightline/v1/geometry.ts";
export { ActiveHours, CameraRules, Line, Mask, MaskMode, Rule, Zone } from "./gen/sightline/v1/rules.ts";
export { Gap, GapReason, Progress, StartPosition } from "./gen/sightline/v1/subscription.ts";
export {
  CameraChange,
  CameraTransition,
  FramesLost,
  RulesChange,
  Tick,
  TimelineEntry,
} from "./gen/sightline/v1/timeline.ts";
export * from "./http-access.ts";
export * from "./http-api.ts";
export * from "./http-cameras.ts";
export * from "./http-events.ts";
export * from "./http-model-jobs.ts";
export * from "./http-models.ts";
export * from "./labels.ts";
export * from "./limits.ts";
export * from "./live-video.ts";
export * from "./model-jobs.ts";
export * from "./model-shadows.ts";
export * from "./nats-permissions.ts";
export * from "./proto-values.ts";
export * from "./recordings.ts";
export * from "./resource-names.ts";
export * from "./site-permissions.ts";
export * from "./streams.ts";
export * from "./strict-json.ts";
export * from "./subjects.ts";
export * from "./wire.ts";
export * from "./worker-info.ts";
