import type { ModelServiceServer } from "@sightline/contracts/api";
import type { ModelParts } from "../models/start-models.ts";
import type { GrpcCalls } from "./grpc-calls.ts";

/** ModelService over gRPC. */
export function modelHandlers(
  calls: GrpcCalls,
  { service, shadows, jobs, files }: Pick<ModelParts, "service" | "shadows" | "jobs" | "files">,
): ModelServiceServer {
  return {
    listModels: calls.unary("ListModels", async () => ({ models: service.list(), faults: service.faults() })),
    listModelVersions: calls.unary("ListModelVersions", async (r) => service.listVersions(r)),
    activateModel: calls.unary("ActivateModel", async (r, { signal }) => service.activate(r, signal)),
    rollbackModel: calls.unary("RollbackModel", async (r, { signal }) => service.rollback(r, signal)),
    startModelShadow: calls.unary("StartModelShadow", async (r) => ({ shadow: await shadows.start(r) })),
    listModelShadows: calls.unary("ListModelShadows", async (_, { scope }) => shadows.list(scope)),
    getModelShadow: calls.unary("GetModelShadow", async (r, { scope }) => ({
      shadow: await shadows.get(r, scope),
    })),
    stopModelShadow: calls.unary("StopModelShadow", async (r, { scope }) => ({
      shadow: await shadows.stop(r, scope),
    })),
    deleteModelShadow: calls.unary("DeleteModelShadow", async (r, { scope }) => {
      await shadows.delete(r, scope);
      return {};
    }),
    getModelShadowPicture: calls.unary("GetModelShadowPicture", async (r, { scope }) => ({
      contentType: "image/jpeg",
      content: Buffer.from(await shadows.picture(r, scope)),
    })),
    inspectModelVersion: calls.unary("InspectModelVersion", async (r) => files.inspect(r)),
    createModelImport: calls.unary("CreateModelImport", async (r) => ({ job: await jobs.createImport(r) })),
    createModelEvaluation: calls.unary("CreateModelEvaluation", async (r) => ({
      job: await jobs.createEvaluation(r),
    })),
    uploadModelJobPiece: calls.unary("UploadModelJobPiece", async (r) => {
      await jobs.uploadPiece(r);
      return {};
    }),
    startModelJob: calls.unary("StartModelJob", async (r) => ({ job: await jobs.start(r) })),
    listModelJobs: calls.unary("ListModelJobs", async () => ({ jobs: jobs.list() })),
    getModelJob: calls.unary("GetModelJob", async (r) => ({ job: jobs.get(r) })),
    cancelModelJob: calls.unary("CancelModelJob", async (r) => ({ job: await jobs.cancel(r) })),
    deleteModelJob: calls.unary("DeleteModelJob", async (r) => {
      await jobs.delete(r);
      return {};
    }),
    deleteModelVersion: calls.unary("DeleteModelVersion", async (r) => {
      await files.delete(r);
      return {};
    }),
  };
}
