import type { RulesServiceServer } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { RulesService } from "./rules-service.ts";

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
