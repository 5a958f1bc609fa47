import type { KV } from "@nats-io/kv";
import { Subscription } from "@sightline/contracts";
import { KvMirror, type Lifecycle, type Logger, type Nats } from "@sightline/service";
import { DeadLetters } from "./dead-letters.ts";
import { ExpiredMessages } from "./expired-messages.ts";
import { SubscriptionRegistry } from "./subscription-registry.ts";
import { SubscriptionService } from "./subscription-service.ts";

/** Named subscriptions, ready to be served. */
export async function startSubscriptions(
  nats: Nats,
  bucket: KV,
  log: Logger,
  life: Lifecycle,
): Promise<SubscriptionService> {
  const mirror = life.add(new KvMirror(nats, bucket, (data) => Subscription.decode(data), log));
  await mirror.start();
  const deadLetters = new DeadLetters(nats);
  const registry = new SubscriptionRegistry(nats, bucket, mirror, deadLetters, log);
  await registry.provisionAll();
  void (async () => {
    for await (const { type } of nats.connection.status())
      if (type === "reconnect") await registry.provisionAll();
  })();
  const expired = new ExpiredMessages(nats, registry);
  return new SubscriptionService({ nats, registry, deadLetters, expired, log });
}
