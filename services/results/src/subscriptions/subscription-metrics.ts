import type { Subscription } from "@sightline/contracts/api";
import type { Registry } from "prom-client";
import { PolledGauges } from "../polled-gauges.ts";
import type { SubscriptionService } from "./subscription-service.ts";

/** Adds metrics about how far behind the readers of each named subscription are. */
export class SubscriptionMetrics {
  readonly #subscriptions: PolledGauges<Subscription, "subscription">;

  constructor(registry: Registry, pollMs?: number) {
    this.#subscriptions = new PolledGauges(
      registry,
      gauges,
      "subscription",
      ({ name }) => idOf(name),
      pollMs,
    );
  }

  start(service: Pick<SubscriptionService, "all">): void {
    this.#subscriptions.start(() => service.all());
  }

  stop(): Promise<void> {
    return this.#subscriptions.stop();
  }
}

function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

const gauges = [
  {
    name: "sightline_subscription_pending_messages",
    help: "Messages that wait for the readers of a named subscription; there may be fewer, never more.",
    value: ({ pending }: Subscription) => pending,
  },
  {
    name: "sightline_subscription_unacknowledged_messages",
    help: "Messages that readers of a named subscription have received but not acknowledged yet.",
    value: ({ unacknowledged }: Subscription) => unacknowledged,
  },
  {
    name: "sightline_subscription_dead_letters",
    help: "Dead letters of a named subscription: messages that were given up and are kept.",
    value: ({ deadLetters }: Subscription) => deadLetters,
  },
];
