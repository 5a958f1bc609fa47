export type {
  BoundingBox,
  Camera,
  CameraRules,
  CameraStatus,
  Detection,
  Event,
  FrameDetections,
  FrameMetadata,
  FrameReference,
  Line,
  Mask,
  Point,
  Rule,
  Timestamp,
  Track,
  Zone,
} from "@sightline/contracts";
export {
  CameraReason,
  CameraState,
  CrossingDirection,
  cameraIdOf,
  cameraName,
  EndReason,
  EventPhase,
  EventType,
  MaskMode,
} from "@sightline/contracts";
export type {
  AccessToken,
  DeadLetter,
  Model,
  ModelVersion,
  Subscription,
  User,
} from "@sightline/contracts/api";
export { SubscriptionKind } from "@sightline/contracts/api";
export type { Access, CreatedToken, TokenSettings, UserSettings, WhoAmI } from "./access.ts";
export { type Audit, AuditOutcome, type AuditQuery, type AuditRecord } from "./audit.ts";
export type { CallSettings, UncheckedClasses, Warnings } from "./calls.ts";
export type {
  CameraChange,
  CameraChangeKind,
  CameraSettings,
  Cameras,
  RecordingSettings,
  Snapshot,
  WatchOptions,
} from "./cameras.ts";
export { type ConnectOptions, connect, SightlineClient } from "./client.ts";
export { readTlsFiles, type TlsFilePaths } from "./connection.ts";
export type {
  DetectionEvent,
  DetectionFilter,
  DetectionQuery,
  DetectionSubscription,
  Detections,
} from "./detections.ts";
export { type ErrorCode, SightlineError } from "./errors.ts";
export type {
  EventCountQuery,
  EventFilter,
  EventMessage,
  EventQuery,
  EventSubscription,
  Events,
} from "./events.ts";
export type { Evaluated, EvaluationOptions, ImportOptions, ModelJobs } from "./model-jobs.ts";
export type { ActivateSettings, Activation, Models, ShadowSettings } from "./models.ts";
export type { RecordingRange, RecordingSpan, Recordings } from "./recordings.ts";
export type { ProgressMessage, SubscribeOptions, SubscriptionStatus, WithProgress } from "./resume.ts";
export type { RuleSettings, Rules, RulesSettings } from "./rules.ts";
export type { MissingMessages, Start } from "./start.ts";
export type { RejectOptions } from "./subscriptions/answers.ts";
export type { DeliveredMessage, SubscriptionMessage } from "./subscriptions/message.ts";
export type { ConsumeOptions, ProcessOptions } from "./subscriptions/process.ts";
export type { SubscriptionSettings, Subscriptions } from "./subscriptions/subscriptions.ts";
export { toDate } from "./time.ts";
export type { TlsOptions } from "./transport.ts";
export type { Video, VideoSettings } from "./video.ts";
