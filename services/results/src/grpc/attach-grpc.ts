import {
  AccessServiceService,
  AuditServiceService,
  CameraServiceService,
  ModelServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
} from "@sightline/contracts";
import type { AuditHistory } from "../access/audit-history.ts";
import type { AccessParts } from "../access/start-access.ts";
import type { CameraData } from "../cameras/camera-data.ts";
import type { CameraService } from "../cameras/camera-service.ts";
import type { CameraWatchers } from "../cameras/camera-watchers.ts";
import type { DetectionService } from "../feeds/detection-service.ts";
import type { EventService } from "../feeds/event-service.ts";
import type { DetectionHistory } from "../history/detection-history.ts";
import type { EventHistory } from "../history/event-history.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import type { ModelParts } from "../models/start-models.ts";
import type { RecordingService } from "../recordings/recording-service.ts";
import type { RulesService } from "../rules/rules-service.ts";
import type { SnapshotParts } from "../snapshots/start-snapshots.ts";
import type { SubscriptionService } from "../subscriptions/subscription-service.ts";
import { accessHandlers, auditHandlers } from "./access-handlers.ts";
import { cameraHandlers, rulesHandlers } from "./camera-handlers.ts";
import {
  detectionHandlers,
  eventHandlers,
  preEncodedDetectionService,
  preEncodedEventService,
  subscriptionHandlers,
} from "./feed-handlers.ts";
import type { GrpcCalls } from "./grpc-calls.ts";
import type { GrpcServer } from "./grpc-server.ts";
import { modelHandlers } from "./model-handlers.ts";
import { cameraSnapshotHandlers, eventSnapshotHandlers, recordingHandlers } from "./recording-handlers.ts";

/** The parts of the service that the gRPC API uses. */
export interface GrpcSources {
  access: AccessParts;
  audit: AuditHistory;
  cameras: CameraService;
  cameraWatchers: CameraWatchers;
  cameraData: CameraData;
  detections: DetectionService;
  detectionHistory: DetectionHistory;
  events: EventService;
  eventHistory: EventHistory;
  eventReviews: EventReviews;
  models: Pick<ModelParts, "models" | "shadows" | "jobs" | "files">;
  recordings: RecordingService;
  rules: RulesService;
  snapshots: Pick<SnapshotParts, "cameraSnapshots" | "eventSnapshots">;
  subscriptions: SubscriptionService;
}

/** Adds all gRPC services to the server. */
export function attachGrpc(server: GrpcServer, calls: GrpcCalls, sources: GrpcSources): void {
  const { models, snapshots } = sources;
  server.addService(CameraServiceService, {
    ...cameraHandlers(calls, sources.cameras, sources.cameraWatchers, sources.cameraData),
    ...cameraSnapshotHandlers(calls, snapshots.cameraSnapshots),
  });
  server.addService(
    preEncodedDetectionService,
    detectionHandlers(calls, sources.detections, sources.detectionHistory),
  );
  server.addService(preEncodedEventService, {
    ...eventHandlers(calls, sources.events, sources.eventHistory, sources.eventReviews),
    ...eventSnapshotHandlers(calls, snapshots.eventSnapshots),
  });
  server.addService(RecordingServiceService, recordingHandlers(calls, sources.recordings));
  server.addService(
    ModelServiceService,
    modelHandlers(calls, models.models, models.shadows, models.jobs, models.files),
  );
  server.addService(AuditServiceService, auditHandlers(calls, sources.audit));
  server.addService(RulesServiceService, rulesHandlers(calls, sources.rules));
  server.addService(SubscriptionServiceService, subscriptionHandlers(calls, sources.subscriptions));
  server.addService(AccessServiceService, accessHandlers(calls, sources.access));
}
