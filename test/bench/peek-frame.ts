/** Reads an unsigned varint of at most 53 bits. */
function varint(data: Uint8Array, at: { position: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = data[at.position++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

/**
 * Number and capture time (milliseconds) of the frame in a SubscribeDetectionsResponse, without decoding the rest;
 * undefined when it holds no frame. It relies on the order in which encoders write fields.
 */
export function peekFrame(message: Uint8Array): { number: number; capturedAt: number } | undefined {
  if (message[0] !== 0x0a) return undefined;
  const at = { position: 0 };
  const enter = (tag: number) => {
    if (message[at.position++] !== tag) throw new Error("a message is no frame as this program knows it");
    return varint(message, at);
  };
  const pass = (tag: number) => {
    const length = enter(tag);
    at.position += length;
  };
  // frame, frame (metadata), then past camera and epoch.
  enter(0x0a);
  enter(0x0a);
  pass(0x0a);
  pass(0x12);
  const number = enter(0x18);
  if (message[at.position] === 0x20) enter(0x20);
  const length = enter(0x2a);
  const end = at.position + length;
  const seconds = enter(0x08);
  const nanos = at.position < end ? enter(0x10) : 0;
  return { number, capturedAt: seconds * 1_000 + nanos / 1e6 };
}
