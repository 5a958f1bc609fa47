import type { ServerWritableStream } from "@grpc/grpc-js";
import { DetectionServiceService, type SubscribeDetectionsRequest } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { DetectionService } from "./detection-service.ts";

/** DetectionService whose answers are encoded already: one frame goes to many subscribers, but is encoded once. */
export const preEncodedDetectionService = {
  subscribeDetections: {
    ...DetectionServiceService.subscribeDetections,
    responseSerialize: (message: Buffer): Buffer => message,
  },
};

/** DetectionService over gRPC. */
export function detectionHandlers(calls: GrpcCalls, service: DetectionService) {
  return {
    subscribeDetections: (call: ServerWritableStream<SubscribeDetectionsRequest, Buffer>) =>
      calls.stream("SubscribeDetections", call, () => service.subscribe(call.request, call)),
  };
}
