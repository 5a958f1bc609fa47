import type { ServerWritableStream } from "@grpc/grpc-js";
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
    subscribeDetections: (call: ServerWritableStream<SubscribeDetectionsRequest, Buffer>) =>
      calls.stream("SubscribeDetections", call, () => service.subscribe(call.request, call)),
    listDetections: calls.unary("ListDetections", (request: ListDetectionsRequest) => history.list(request)),
  };
}
