import { type Event, toHttpEvent } from "@sightline/contracts";

/** What is posted about an event. */
export interface WebhookMessage {
  /** Tells this message from all others; the same whenever it is delivered. */
  id: string;
  /** JSON; the same whenever it is delivered. */
  body: string;
}

/**
 * The message about an event: its JSON form (as over HTTP) with its resource name, in the envelope that Standard Webhooks
 * recommends.
 */
export function webhookMessage(event: Event): WebhookMessage {
  const data = toHttpEvent(event);
  const body = {
    type: `event.${data.type}`,
    timestamp: data.updateTime,
    data: { name: event.name, ...data },
  };
  return { id: `${event.name}:${event.revision}`, body: JSON.stringify(body) };
}
