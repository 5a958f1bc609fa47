import type { SubscriptionServiceServer } from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import type { SubscriptionService } from "./subscription-service.ts";

/** SubscriptionService over gRPC. */
export function subscriptionHandlers(
  calls: GrpcCalls,
  service: SubscriptionService,
): SubscriptionServiceServer {
  return {
    createSubscription: calls.unary("CreateSubscription", async (r, { scope }) => ({
      subscription: await service.create(r, scope),
    })),
    getSubscription: calls.unary("GetSubscription", async (r, { scope }) => ({
      subscription: await service.get(r, scope),
    })),
    listSubscriptions: calls.unary("ListSubscriptions", (r, { scope }) => service.list(r, scope)),
    deleteSubscription: calls.unary("DeleteSubscription", async (r, { scope }) => {
      await service.delete(r, scope);
      return {};
    }),
    consume: calls.stream("Consume", (call, { scope }) => service.consume(call.request, call, scope)),
    acknowledge: calls.unary("Acknowledge", async (r, { scope }) => {
      await service.acknowledge(r, scope);
      return {};
    }),
    reject: calls.unary("Reject", async (r, { scope }) => {
      await service.reject(r, scope);
      return {};
    }),
    listDeadLetters: calls.unary("ListDeadLetters", (r) => service.listDeadLetters(r)),
    deleteDeadLetter: calls.unary("DeleteDeadLetter", async (r) => {
      await service.deleteDeadLetter(r);
      return {};
    }),
  };
}
