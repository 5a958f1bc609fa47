import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";

/**
 * Keys of a bucket that have a value, or had one and left the mark of its removal. Asked of the stream itself: a request is answered or fails,
 * while the consumer behind the library's `keys()` may be lost with a server of a cluster, and then is waited for without end.
 * @throws when JetStream does not answer
 */
export async function storedKeys(manager: Pick<JetStreamManager, "streams">, bucket: KV): Promise<string[]> {
  const { streamInfo, bucket: name } = await bucket.status();
  const prefix = `$KV.${name}.`;
  const { state } = await manager.streams.info(streamInfo.config.name, { subjects_filter: `${prefix}>` });
  return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}
