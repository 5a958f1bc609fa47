import type { ConsumerMessages } from "@nats-io/jetstream";

/** How the library says that a consumer, or the stream under it, may be another from now on. */
const ends: ReadonlySet<string> = new Set([
  "consumer_deleted",
  "consumer_not_found",
  "stream_not_found",
  "heartbeats_missed",
  "no_responders",
  "reset",
]);

/**
 * Ends what a consumer delivers as soon as its server may have lost it. The library would make it anew by itself, but without
 * a look at what became of the stream.
 */
export async function closeWhenLost(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (ends.has(type)) return void messages.close();
}
