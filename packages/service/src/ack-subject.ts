/** The content of a message's acknowledgement subject. */
export interface AckSubject {
  stream: string;
  consumer: string;
  /** How often the server has delivered the message, including this time. */
  deliveries: number;
  /** Sequence of the message in the stream. */
  streamSequence: number;
  /** When the message was stored, in nanoseconds since 1970. */
  storedNanos: bigint;
  /** Messages that the consumer still has to deliver. */
  pending: number;
}

/** Reads $JS.ACK.[domain.account.]stream.consumer.deliveries.sseq.cseq.time.pending[.random] (ADR-15); undefined for any other subject. */
export function parseAckSubject(subject: string | undefined): AckSubject | undefined {
  const parts = subject?.split(".") ?? [];
  if (parts[0] !== "$JS" || parts[1] !== "ACK" || parts.length < 9) return undefined;
  const [stream, consumer, ...numbers] = parts.slice(parts.length > 9 ? 4 : 2);
  const [deliveries, streamSequence, , , pending] = numbers.map(Number);
  const time = numbers[3] ?? "";
  if (
    !stream ||
    !consumer ||
    !/^\d+$/.test(time) ||
    ![deliveries, streamSequence, pending].every(Number.isSafeInteger)
  )
    return undefined;
  return {
    stream,
    consumer,
    deliveries: deliveries!,
    streamSequence: streamSequence!,
    storedNanos: BigInt(time),
    pending: pending!,
  };
}
