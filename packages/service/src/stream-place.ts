import type { JetStreamManager, StreamState } from "@nats-io/jetstream";

/**
 * A place in a stream: after the message with this sequence. If NATS loses its newest messages, because it was killed or got an older copy
 * of its data, it gives their sequences to other messages. So the time tells which message is meant.
 */
export interface StreamPlace {
  readonly sequence: number;
  /**
   * When the message was stored, in nanoseconds since 1970. If the message does not exist any more: any time after everything up to here
   * was stored and before what follows was stored. With `unknownTime` only the sequence counts.
   */
  readonly time: bigint;
}

export const unknownTime = 0n;

/** The start of every stream: nothing before it can be lost. */
const origin: StreamPlace = { sequence: 0, time: unknownTime };

/** The place after a message that was read. */
export function placeAfter({ seq, timestampNanos }: { seq: number; timestampNanos: bigint }): StreamPlace {
  return { sequence: seq, time: timestampNanos };
}

/** The place after everything in a stream. */
export function streamEnd({ last_seq, last_ts }: StreamState): StreamPlace {
  if (last_seq === 0) return origin;
  return { sequence: last_seq, time: nanosOf(last_ts) };
}

/** The place before everything in a stream. */
export function streamBeginning(state: StreamState): StreamPlace {
  if (state.messages === 0) return streamEnd(state);
  if (state.first_seq <= 1) return origin;
  return { sequence: state.first_seq - 1, time: nanosOf(state.first_ts) - 1n };
}

/** By how much the clocks of a cluster's servers may differ, in nanoseconds; each server gives the times of its streams. */
const clockSlack = 250_000_000n;

/**
 * Finds out whether the stream has lost what was before a place: undefined when it has not, otherwise the place after what is left of it.
 * What was stored since the loss comes after that place. `timeOf` says which time the place has: its message's, or one that NATS gave to
 * something stored later, elsewhere. @throws when NATS does not answer
 */
export async function findLoss(
  manager: JetStreamManager,
  stream: string,
  state: StreamState,
  { sequence, time }: StreamPlace,
  timeOf: "message" | "later" = "message",
): Promise<StreamPlace | undefined> {
  if (sequence === 0) return undefined;
  if (time === unknownTime) return sequence > state.last_seq ? streamEnd(state) : undefined;
  if (sequence <= state.last_seq) {
    const message = await manager.streams.getMessage(stream, { seq: sequence });
    if (!message) return undefined;
    const storedAt = nanosOf(message.timestamp);
    if (timeOf === "message" ? storedAt === time : storedAt <= time + clockSlack) return undefined;
  }
  return placeBefore(manager, stream, time + 1n);
}

/** The place before the first message that was stored at or after this time. @throws when NATS does not answer */
export async function placeBefore(
  manager: JetStreamManager,
  stream: string,
  time: bigint,
): Promise<StreamPlace> {
  const { name, delivered } = await manager.consumers.add(stream, {
    ack_policy: "none",
    deliver_policy: "by_start_time",
    opt_start_time: timestampOf(time),
    inactive_threshold: 1_000_000_000,
    mem_storage: true,
    num_replicas: 1,
  });
  await manager.consumers.delete(stream, name).catch(() => false);
  const sequence = delivered.stream_seq;
  if (sequence === 0) return origin;
  const last = await manager.streams.getMessage(stream, { seq: sequence });
  return { sequence, time: last ? nanosOf(last.timestamp) : time - 1n };
}

/** Reads a time as NATS writes it, RFC 3339 with up to nine decimals, as nanoseconds since 1970. */
export function nanosOf(timestamp: string): bigint {
  const [, seconds = "", decimals = ""] = /^(.{19})(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  const milliseconds = Math.max(0, Date.parse(`${seconds}Z`) || 0);
  return BigInt(milliseconds) * 1_000_000n + BigInt(decimals.padEnd(9, "0"));
}

function timestampOf(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  const decimals = String(nanos % 1_000_000_000n).padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${decimals}Z`;
}
