import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { isJetStreamFailure, type Nats } from "@sightline/service";

const atATime = 32;
const operationHeader = "KV-Operation";

/**
 * Empties the stream of a key-value bucket whose files are damaged, so that NATS begins a new file and revisions continue to rise. Then it
 * restores the entries that could be read, unless they have been written again by then. Returns how many messages could not be restored.
 * @throws when NATS does not answer
 */
export async function restoreBucket(nats: Nats, stream: string): Promise<number> {
  const { manager } = nats;
  const { state } = await manager.streams.info(stream, { deleted_details: true });
  const deleted = new Set(state.deleted);
  // By sequence: in a damaged file, NATS's information about subjects is wrong.
  const held: number[] = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++)
    if (!deleted.has(sequence)) held.push(sequence);
  const kept: StoredMsg[] = [];
  for (let i = 0; i < held.length; i += atATime) {
    const some = held.slice(i, i + atATime);
    const read = await Promise.all(some.map((seq) => manager.streams.getMessage(stream, { seq })));
    kept.push(...read.filter((message) => message !== null));
  }
  await manager.streams.purge(stream);
  for (const message of kept.sort((one, other) => other.seq - one.seq)) await putBack(nats, message);
  return held.length - kept.length;
}

async function putBack({ jetstream }: Nats, { subject, data, header }: StoredMsg): Promise<void> {
  const copied = headers();
  const operation = header?.get(operationHeader);
  if (operation) copied.set(operationHeader, operation);
  try {
    await jetstream.publish(subject, data, { headers: copied, expect: { lastSubjectSequence: 0 } });
  } catch (error) {
    if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
  }
}
