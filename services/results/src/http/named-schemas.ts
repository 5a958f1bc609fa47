import * as contracts from "@sightline/contracts";
import { z } from "zod";

/**
 * Names that schemas have in the OpenAPI document. Those of the WebSocket /api/v1/live, which OpenAPI has no words for,
 * are among them.
 */
export const namedSchemas = z
  .registry<{ id: string }>()
  .add(contracts.httpCameraSchema, { id: "Camera" })
  .add(contracts.httpCameraStatusSchema, { id: "CameraStatus" })
  .add(contracts.httpLedgerSchema, { id: "Ledger" })
  .add(contracts.httpFindingSchema, { id: "Finding" })
  .add(contracts.httpCameraPageSchema, { id: "CameraPage" })
  .add(contracts.httpNewCameraSchema, { id: "NewCamera" })
  .add(contracts.httpCameraChangesSchema, { id: "CameraChanges" })
  .add(contracts.httpProbeRequestSchema, { id: "ProbeRequest" })
  .add(contracts.httpProbeSchema, { id: "Probe" })
  .add(contracts.httpRulesSchema, { id: "Rules" })
  .add(contracts.httpRulesUpdateSchema, { id: "RulesUpdate" })
  .add(contracts.httpTrackSchema, { id: "Track" })
  .add(contracts.httpEventSchema, { id: "Event" })
  .add(contracts.httpEventPageSchema, { id: "EventPage" })
  .add(contracts.httpRecordingSchema, { id: "Recording" })
  .add(contracts.httpRecordingStatusSchema, { id: "RecordingStatus" })
  .add(contracts.httpRecordingSpanSchema, { id: "RecordingSpan" })
  .add(contracts.httpRecordingSpansSchema, { id: "RecordingSpans" })
  .add(contracts.httpRecordingDeletedSchema, { id: "RecordingDeleted" })
  .add(contracts.httpSampleSchema, { id: "Sample" })
  .add(contracts.httpSeriesSchema, { id: "Series" })
  .add(contracts.httpSystemSchema, { id: "System" })
  .add(contracts.httpAuthSchema, { id: "Auth" })
  .add(contracts.httpLoginSchema, { id: "Login" })
  .add(contracts.httpUserSchema, { id: "User" })
  .add(contracts.httpUsersSchema, { id: "Users" })
  .add(contracts.httpNewUserSchema, { id: "NewUser" })
  .add(contracts.httpUserChangesSchema, { id: "UserChanges" })
  .add(contracts.httpPasswordSchema, { id: "NewPassword" })
  .add(contracts.httpTokenSchema, { id: "Token" })
  .add(contracts.httpTokensSchema, { id: "Tokens" })
  .add(contracts.httpNewTokenSchema, { id: "NewToken" })
  .add(contracts.httpCreatedTokenSchema, { id: "CreatedToken" })
  .add(contracts.httpErrorSchema, { id: "Error" })
  .add(contracts.liveRequestSchema, { id: "LiveRequest" })
  .add(contracts.liveMessageSchema, { id: "LiveMessage" })
  .add(contracts.livePictureSchema, { id: "LivePicture" });
