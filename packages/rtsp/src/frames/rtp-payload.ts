export interface Payload {
  sequence: number;
  timestamp: number;
  marker: boolean;
  payload: Buffer;
}

/** Parses an RTP packet (RFC 3550, 5.1); undefined when it is invalid. */
export function readPayload(packet: Buffer): Payload | undefined {
  const first = packet[0];
  if (packet.length < 12 || first === undefined || first >> 6 !== 2) return undefined;
  let begin = 12 + 4 * (first & 0x0f);
  // An extension: two bytes of its own data, then its length in words.
  if (first & 0x10) {
    if (packet.length < begin + 4) return undefined;
    begin += 4 + 4 * packet.readUInt16BE(begin + 2);
  }
  const end = first & 0x20 ? packet.length - (packet.at(-1) ?? 0) : packet.length;
  if (begin > end) return undefined;
  return {
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    marker: (packet[1]! & 0x80) !== 0,
    payload: packet.subarray(begin, end),
  };
}
