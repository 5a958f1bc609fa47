import {
  AccessServiceService,
  AuditServiceService,
  CameraServiceService,
  ModelServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
} from "@sightline/contracts/api";
import type { ResultsParts } from "../results-parts.ts";
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

/** Adds all gRPC services to the server. */
export function attachGrpc(server: GrpcServer, calls: GrpcCalls, parts: ResultsParts): void {
  const { access, audit, cameras, cameraData, feeds, history, snapshots } = parts;
  server.addService(CameraServiceService, {
    ...cameraHandlers(calls, cameras.service, cameras.watchers, cameraData),
    ...cameraSnapshotHandlers(calls, snapshots.cameraSnapshots),
  });
  server.addService(
    preEncodedDetectionService,
    detectionHandlers(calls, feeds.detectionService, history.detections),
  );
  server.addService(preEncodedEventService, {
    ...eventHandlers(calls, feeds.eventService, history.events, history.reviews),
    ...eventSnapshotHandlers(calls, snapshots.eventSnapshots),
  });
  server.addService(RecordingServiceService, recordingHandlers(calls, parts.recordings));
  server.addService(ModelServiceService, modelHandlers(calls, parts.models));
  server.addService(AuditServiceService, auditHandlers(calls, audit.history));
  server.addService(RulesServiceService, rulesHandlers(calls, parts.rules.service));
  server.addService(SubscriptionServiceService, subscriptionHandlers(calls, parts.subscriptions));
  server.addService(AccessServiceService, accessHandlers(calls, access));
}
