import type { JetStreamManager, StreamState } from "@nats-io/jetstream";

/**
 * Sequence of a stream's newest (or oldest) message when JetStream says that it has the message but cannot return it, because the file is
 * damaged. Undefined when it can be read, was removed or has expired. `known`: the stream's state, if the caller has just read it.
 * @throws when NATS does not answer
 */
export async function unreadableEnd(
  manager: JetStreamManager,
  stream: string,
  end: "first" | "last" = "last",
  known?: StreamState,
): Promise<number | undefined> {
  const state = known ?? (await manager.streams.info(stream)).state;
  const sequence = end === "last" ? state.last_seq : state.first_seq;
  if (state.messages === 0 || (await manager.streams.getMessage(stream, { seq: sequence }))) return undefined;
  const now = await manager.streams.info(stream, { deleted_details: true });
  const { messages, first_seq, last_seq, deleted } = now.state;
  const held = messages > 0 && first_seq <= sequence && last_seq >= sequence;
  return held && !deleted?.includes(sequence) ? sequence : undefined;
}

/**
 * Sequence of the last readable message before `end`; 0 when there is none. Assumes that no message after it can be read.
 * @throws when NATS does not answer
 */
export async function lastReadable(
  manager: JetStreamManager,
  stream: string,
  first: number,
  end: number,
): Promise<number> {
  let [readable, unreadable] = [first - 1, end];
  while (unreadable - readable > 1) {
    const middle = Math.floor((readable + unreadable) / 2);
    if (await manager.streams.getMessage(stream, { seq: middle })) readable = middle;
    else unreadable = middle;
  }
  return readable < first ? 0 : readable;
}
