import { type Event, parseEventName } from "@sightline/contracts";
import type { WebhookConfig } from "./webhook-config.ts";

/** Whether an endpoint wants an event; what it does not name lets all pass, as in a subscription's filter. */
export function isWanted(
  event: Event,
  { cameras, types, phases, classes, zones, rules }: WebhookConfig,
): boolean {
  return (
    lets(cameras, parseEventName(event.name)?.camera) &&
    lets(types, event.type) &&
    lets(phases, event.phase) &&
    lets(classes, event.track?.className) &&
    lets(zones, event.zone) &&
    lets(rules, event.rule)
  );
}

function lets<T>(wanted: readonly T[], value: T | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}
