import type { CameraServiceServer, EventServiceServer } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { CameraSnapshots } from "./camera-snapshots.ts";
import type { EventSnapshot, EventSnapshots } from "./event-snapshots.ts";

/** The picture call of CameraService over gRPC. */
export function cameraSnapshotHandlers(
  calls: GrpcCalls,
  snapshots: CameraSnapshots,
): Pick<CameraServiceServer, "getCameraSnapshot"> {
  return {
    getCameraSnapshot: calls.unary("GetCameraSnapshot", async ({ name, annotated, modelFrame }) =>
      toResponse(await snapshots.get(name, { annotated, source: modelFrame ? "model" : "camera" })),
    ),
  };
}

/** The picture call of EventService over gRPC. */
export function eventSnapshotHandlers(
  calls: GrpcCalls,
  snapshots: EventSnapshots,
): Pick<EventServiceServer, "getEventSnapshot"> {
  return {
    getEventSnapshot: calls.unary("GetEventSnapshot", async ({ name, annotated }, { signal }) =>
      toResponse(await snapshots.get(name, { annotated }, signal)),
    ),
  };
}

function toResponse({ jpeg, frame }: EventSnapshot) {
  return { contentType: "image/jpeg", content: Buffer.from(jpeg), frame };
}
