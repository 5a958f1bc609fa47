import type { Camera } from "@sightline/contracts";
import type {
  CameraServiceServer,
  RulesServiceServer,
  WatchCamerasRequest,
  WatchCamerasResponse,
} from "@sightline/contracts/api";
import type { CameraData } from "../cameras/camera-data.ts";
import type { CameraService } from "../cameras/camera-service.ts";
import type { CameraWatchers } from "../cameras/camera-watchers.ts";
import type { RulesService } from "../rules/rules-service.ts";
import type { GrpcCalls } from "./grpc-calls.ts";

/** CameraService over gRPC. */
export function cameraHandlers(
  calls: GrpcCalls,
  service: CameraService,
  watchers: CameraWatchers,
  data: CameraData,
): Omit<CameraServiceServer, "getCameraSnapshot"> {
  const answer = (camera: Camera, mask?: readonly string[]) => ({
    camera,
    uncheckedClasses: service.uncheckedClasses(camera),
    warnings: service.warnings(camera, mask),
  });
  return {
    registerCamera: calls.unary("RegisterCamera", async (r) => answer(await service.register(r))),
    getCamera: calls.unary("GetCamera", async (r) => {
      const camera = service.get(r);
      return { camera, modelClasses: service.modelClasses(camera) };
    }),
    listCameras: calls.unary("ListCameras", async (r, { scope }) => service.list(r, scope)),
    updateCamera: calls.unary("UpdateCamera", async (r, { scope }) =>
      answer(await service.update(r, undefined, scope), r.updateMask),
    ),
    deleteCamera: calls.unary("DeleteCamera", async (r) => {
      await service.delete(r);
      return {};
    }),
    deleteCameraData: calls.unary("DeleteCameraData", ({ name, startTime, endTime }) =>
      data.delete(name, startTime, endTime),
    ),
    watchCameras: calls.stream<WatchCamerasRequest, WatchCamerasResponse>(
      "WatchCameras",
      (call, { scope }) => {
        const watcher = watchers.watch((change, camera) => call.write({ change, camera }), scope);
        return { drained: () => watcher.drained(), stop: () => watchers.unwatch(watcher) };
      },
    ),
  };
}

/** RulesService over gRPC. */
export function rulesHandlers(calls: GrpcCalls, service: RulesService): RulesServiceServer {
  return {
    getCameraRules: calls.unary("GetCameraRules", async (r) => ({ rules: service.get(r) })),
    updateCameraRules: calls.unary("UpdateCameraRules", async (r) => {
      const rules = await service.update(r);
      return { rules, uncheckedClasses: service.uncheckedClasses(rules) };
    }),
  };
}
