/** A box of ISO/IEC 14496-12: size, type, content. */
export function mp4Box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const bytes = content.reduce((sum, part) => sum + part.byteLength, 8);
  return Buffer.concat([u32(bytes), Buffer.from(type, "latin1"), ...content], bytes);
}

/** A box with a version and flags. */
export function fullBox(
  type: string,
  version: number,
  flags: number,
  ...content: readonly Uint8Array[]
): Buffer {
  return mp4Box(type, u32(version * 2 ** 24 + flags), ...content);
}

export function u8(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

export function u16(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) buffer.writeUInt16BE(value, 2 * i);
  return buffer;
}

/** Negative values as two's complement. */
export function u32(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) buffer.writeUInt32BE(value >>> 0, 4 * i);
  return buffer;
}

export function u64(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) buffer.writeBigUInt64BE(BigInt(value), 8 * i);
  return buffer;
}

/** A box found in data. */
export interface FoundBox {
  type: string;
  /** Where the box begins, where its content begins, and where it ends. */
  at: number;
  body: number;
  end: number;
}

/** The boxes in `data` between two positions; stops at data that is not a box or is cut short. */
export function boxesIn(data: Buffer, from = 0, to = data.length): FoundBox[] {
  const found: FoundBox[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = data.readUInt32BE(at);
    const end = at + size;
    if (size < 8 || end > to) break;
    found.push({ type: data.toString("latin1", at + 4, at + 8), at, body: at + 8, end });
    at = end;
  }
  return found;
}

/** The first box with this path in `data` between two positions, such as moov, trak. */
export function findBox(
  data: Buffer,
  path: readonly string[],
  from = 0,
  to = data.length,
): FoundBox | undefined {
  const [type, ...rest] = path;
  const found = boxesIn(data, from, to).find((each) => each.type === type);
  return !found || rest.length === 0 ? found : findBox(data, rest, found.body, found.end);
}
