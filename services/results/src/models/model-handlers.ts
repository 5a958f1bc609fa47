import type { ModelServiceServer } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { ModelService } from "./model-service.ts";

/** ModelService over gRPC. */
export function modelHandlers(calls: GrpcCalls, service: ModelService): ModelServiceServer {
  return {
    listModels: calls.unary("ListModels", async () => ({ models: service.list() })),
    listModelVersions: calls.unary("ListModelVersions", async (r) => service.listVersions(r)),
    activateModel: calls.unary("ActivateModel", async (r, { signal }) => service.activate(r, signal)),
    rollbackModel: calls.unary("RollbackModel", async (r, { signal }) => service.rollback(r, signal)),
  };
}
