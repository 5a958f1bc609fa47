import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { closeWhenLost, type Nats } from "@sightline/service";

/** Most messages that wait here to be read. */
const prefetch = 256;
/** A consumer that has been silent for twice this long is lost. */
const heartbeatMs = 1_000;

/**
 * Reads one subject of a stream after a sequence, in order, as fast as the messages are taken. Ends when `signal` aborts
 * or the server has lost the consumer; what comes next is then best looked for anew, as the stream may be another.
 */
export async function* readSubject(
  nats: Nats,
  stream: string,
  subject: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<JsMsg, void, void> {
  const consumer = await nats.jetstream.consumers.get(stream, {
    filter_subjects: subject,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    inactive_threshold: 60_000,
  });
  const messages = await consumer.consume({
    max_messages: prefetch,
    expires: 30_000,
    idle_heartbeat: heartbeatMs,
  });
  const close = () => void messages.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  void closeWhenLost(messages);
  try {
    let last = after;
    for await (const message of messages) {
      if (signal.aborted) return;
      if (message.seq <= last) continue;
      last = message.seq;
      yield message;
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
    void consumer.delete().catch(() => false);
  }
}
