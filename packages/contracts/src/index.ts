export * from "./access.ts";
export * from "./attribute-readings.ts";
export * from "./backoff.ts";
export * from "./bounded-map.ts";
export * from "./camera-json.ts";
export * from "./camera-record.ts";
export * from "./camera-settings.ts";
export * from "./camera-status.ts";
export * from "./errors.ts";
export * from "./event-json.ts";
export * from "./frame-codec.ts";
export { Duration } from "./gen/google/protobuf/duration.ts";
export { FieldMask, type FieldMaskWrapperFns } from "./gen/google/protobuf/field_mask.ts";
export { Timestamp } from "./gen/google/protobuf/timestamp.ts";
export {
  AccessServiceClient,
  type AccessServiceServer,
  AccessServiceService,
  AccessToken,
  CreateLoginTokenRequest,
  CreateLoginTokenResponse,
  CreateTokenRequest,
  CreateTokenResponse,
  CreateUserRequest,
  CreateUserResponse,
  DeleteTokenRequest,
  DeleteTokenResponse,
  DeleteUserRequest,
  DeleteUserResponse,
  ListTokensRequest,
  ListTokensResponse,
  ListUsersRequest,
  ListUsersResponse,
  Role,
  SetPasswordRequest,
  SetPasswordResponse,
  UpdateUserRequest,
  UpdateUserResponse,
  User,
  WhoAmIRequest,
  WhoAmIResponse,
} from "./gen/sightline/v1/access_service.ts";
export {
  Attribute,
  AttributeCondition,
  AttributeProbability,
  AttributeReading,
} from "./gen/sightline/v1/attribute.ts";
export {
  AuditOutcome,
  AuditRecord,
  AuditServiceClient,
  type AuditServiceServer,
  AuditServiceService,
  ListAuditRecordsRequest,
  ListAuditRecordsResponse,
} from "./gen/sightline/v1/audit_service.ts";
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
export {
  CameraServiceClient,
  type CameraServiceServer,
  CameraServiceService,
  DeleteCameraDataRequest,
  DeleteCameraDataResponse,
  DeleteCameraRequest,
  DeleteCameraResponse,
  GetCameraRequest,
  GetCameraResponse,
  GetCameraSnapshotRequest,
  GetCameraSnapshotResponse,
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
export { Detection, FrameDetections, Inference, StageTimings } from "./gen/sightline/v1/detection.ts";
export {
  DetectionServiceClient,
  type DetectionServiceServer,
  DetectionServiceService,
  ListDetectionsRequest,
  ListDetectionsResponse,
  SkippedFrames,
  SubscribeDetectionsRequest,
  SubscribeDetectionsResponse,
} from "./gen/sightline/v1/detection_service.ts";
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
  CountBy,
  CountEventsRequest,
  CountEventsResponse,
  EventCount,
  EventFilter,
  EventServiceClient,
  type EventServiceServer,
  EventServiceService,
  GetEventRequest,
  GetEventResponse,
  GetEventSnapshotRequest,
  GetEventSnapshotResponse,
  ListEventsRequest,
  ListEventsResponse,
  ReviewEventsRequest,
  ReviewEventsResponse,
  SubscribeEventsRequest,
  SubscribeEventsResponse,
} from "./gen/sightline/v1/event_service.ts";
export {
  DroppedFrames,
  DropReason,
  FrameLedger,
  FrameMetadata,
  Letterbox,
  PixelFormat,
} from "./gen/sightline/v1/frame.ts";
export { BoundingBox, Point, protobufFileName } from "./gen/sightline/v1/geometry.ts";
export {
  ActivateModelRequest,
  ActivateModelResponse,
  CancelModelJobRequest,
  CancelModelJobResponse,
  CreateModelEvaluationRequest,
  CreateModelEvaluationResponse,
  CreateModelImportRequest,
  CreateModelImportResponse,
  DeleteModelJobRequest,
  DeleteModelJobResponse,
  DeleteModelShadowRequest,
  DeleteModelShadowResponse,
  DeleteModelVersionRequest,
  DeleteModelVersionResponse,
  EvaluatedModel as EvaluatedModelMessage,
  GetModelJobRequest,
  GetModelJobResponse,
  GetModelShadowPictureRequest,
  GetModelShadowPictureResponse,
  GetModelShadowRequest,
  GetModelShadowResponse,
  ImportSettings as ImportSettingsMessage,
  InspectModelVersionRequest,
  InspectModelVersionResponse,
  ListModelJobsRequest,
  ListModelJobsResponse,
  ListModelShadowsRequest,
  ListModelShadowsResponse,
  ListModelsRequest,
  ListModelsResponse,
  ListModelVersionsRequest,
  ListModelVersionsResponse,
  Model,
  ModelInspection,
  ModelJob as ModelJobMessage,
  ModelJob_State,
  ModelJobFile,
  ModelScores as ModelScoresMessage,
  ModelServiceClient,
  type ModelServiceServer,
  ModelServiceService,
  ModelShadow as ModelShadowMessage,
  ModelVersion,
  RollbackModelRequest,
  RollbackModelResponse,
  ShadowBox as ShadowBoxMessage,
  ShadowBox_Kind,
  ShadowClass,
  ShadowSide as ShadowSideMessage,
  StartModelJobRequest,
  StartModelJobResponse,
  StartModelShadowRequest,
  StartModelShadowResponse,
  StopModelShadowRequest,
  StopModelShadowResponse,
  UploadModelJobPieceRequest,
  UploadModelJobPieceResponse,
} from "./gen/sightline/v1/model_service.ts";
export {
  DeleteRecordingRequest,
  DeleteRecordingResponse,
  DownloadEventClipRequest,
  DownloadEventClipResponse,
  DownloadRecordingRequest,
  DownloadRecordingResponse,
  ListRecordingSpansRequest,
  ListRecordingSpansResponse,
  RecordingServiceClient,
  type RecordingServiceServer,
  RecordingServiceService,
  RecordingSpan as RecordingSpanMessage,
  VideoInfo,
} from "./gen/sightline/v1/recording_service.ts";
export { ActiveHours, CameraRules, Line, Mask, MaskMode, Rule, Zone } from "./gen/sightline/v1/rules.ts";
export {
  GetCameraRulesRequest,
  GetCameraRulesResponse,
  RulesServiceClient,
  type RulesServiceServer,
  RulesServiceService,
  UpdateCameraRulesRequest,
  UpdateCameraRulesResponse,
} from "./gen/sightline/v1/rules_service.ts";
export { Gap, GapReason, Progress, StartPosition } from "./gen/sightline/v1/subscription.ts";
export {
  AcknowledgeRequest,
  AcknowledgeResponse,
  ConsumeRequest,
  ConsumeResponse,
  CreateSubscriptionRequest,
  CreateSubscriptionResponse,
  DeadLetter,
  DeleteDeadLetterRequest,
  DeleteDeadLetterResponse,
  DeleteSubscriptionRequest,
  DeleteSubscriptionResponse,
  GetSubscriptionRequest,
  GetSubscriptionResponse,
  ListDeadLettersRequest,
  ListDeadLettersResponse,
  ListSubscriptionsRequest,
  ListSubscriptionsResponse,
  RejectRequest,
  RejectResponse,
  Subscription,
  SubscriptionKind,
  SubscriptionServiceClient,
  type SubscriptionServiceServer,
  SubscriptionServiceService,
} from "./gen/sightline/v1/subscription_service.ts";
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
