import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";

/**
 * The entries of a bucket by their keys. `filter` chooses keys and may contain wildcards. The library's `keys()` would wait for ever for an
 * entry that expires meanwhile.
 */
export async function liveEntries(
  manager: JetStreamManager,
  kv: KV,
  filter = ">",
): Promise<Map<string, KvEntry>> {
  const { bucket, streamInfo } = await kv.status();
  const prefix = `$KV.${bucket}.`;
  const name = streamInfo.config.name;
  const { state } = await manager.streams.info(name, { subjects_filter: `${prefix}${filter}` });
  const found = new Map<string, KvEntry>();
  for (const subject of Object.keys(state.subjects ?? {})) {
    const key = subject.slice(prefix.length);
    const entry = await kv.get(key);
    if (entry?.operation === "PUT") found.set(key, entry);
  }
  return found;
}
