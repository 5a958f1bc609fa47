import type { SubscriptionServiceServer } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { SubscriptionService } from "./subscription-service.ts";

/** SubscriptionService over gRPC. */
export function subscriptionHandlers(
  calls: GrpcCalls,
  service: SubscriptionService,
): SubscriptionServiceServer {
  return {
    createSubscription: calls.unary("CreateSubscription", async (r) => ({
      subscription: await service.create(r),
    })),
    getSubscription: calls.unary("GetSubscription", async (r) => ({ subscription: await service.get(r) })),
    listSubscriptions: calls.unary("ListSubscriptions", (r) => service.list(r)),
    deleteSubscription: calls.unary("DeleteSubscription", async (r) => {
      await service.delete(r);
      return {};
    }),
    consume: (call) => calls.stream("Consume", call, () => service.consume(call.request, call)),
    acknowledge: calls.unary("Acknowledge", async (r) => {
      await service.acknowledge(r);
      return {};
    }),
    reject: calls.unary("Reject", async (r) => {
      await service.reject(r);
      return {};
    }),
    listDeadLetters: calls.unary("ListDeadLetters", (r) => service.listDeadLetters(r)),
    deleteDeadLetter: calls.unary("DeleteDeadLetter", async (r) => {
      await service.deleteDeadLetter(r);
      return {};
    }),
  };
}
