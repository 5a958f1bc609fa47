import {
  DetectionServiceService,
  type ListDetectionsRequest,
  type SubscribeDetectionsRequest,
} from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import { preEncoded } from "../grpc/pre-encoded.ts";
import type { DetectionHistory } from "../history/detection-history.ts";
import type { DetectionService } from "./detection-service.ts";

/** DetectionService whose stream is encoded already. */
export const preEncodedDetectionService = {
  ...DetectionServiceService,
  subscribeDetections: preEncoded(DetectionServiceService.subscribeDetections),
};

/** DetectionService over gRPC. */
export function detectionHandlers(calls: GrpcCalls, service: DetectionService, history: DetectionHistory) {
  return {
    subscribeDetections: calls.stream<SubscribeDetectionsRequest, Buffer>(
      "SubscribeDetections",
      (call, { scope }) => service.subscribe(call.request, call, scope),
    ),
    listDetections: calls.unary("ListDetections", (request: ListDetectionsRequest, { scope }) =>
      history.list(request, scope),
    ),
  };
}
