import type { KV } from "@nats-io/kv";
import { Subscription } from "@sightline/contracts";
import { KvMirror, type Lifecycle, type Logger, type Nats } from "@sightline/service";
import type { StreamMakings } from "../feeds/stream-makings.ts";
import { DeadLetters } from "./dead-letters.ts";
import { ExpiredMessages } from "./expired-messages.ts";
import { SubscriptionRegistry } from "./subscription-registry.ts";
import { SubscriptionService } from "./subscription-service.ts";

/** Named subscriptions, ready to be served. */
export async function startSubscriptions(
  nats: Nats,
  bucket: KV,
  makings: StreamMakings,
  log: Logger,
  life: Lifecycle,
): Promise<SubscriptionService> {
  const mirror = life.add(new KvMirror(nats, bucket, (data) => Subscription.decode(data), log));
  await mirror.start();
  const deadLetters = new DeadLetters(nats);
  const registry = new SubscriptionRegistry(nats, bucket, mirror, deadLetters, makings, log);
  await registry.provisionAll();
  // Its consumers are gone with it: what comes from now on is to wait for them.
  makings.onRemade(() => void registry.provisionAll());
  const unfollow = nats.changes.listen({ back: () => void registry.provisionAll() });
  life.add({ stop: async () => unfollow() });
  const expired = new ExpiredMessages(nats, registry);
  return new SubscriptionService({ nats, registry, deadLetters, expired, log });
}
