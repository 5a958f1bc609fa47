/** Where an MPEG transport stream (ISO/IEC 13818-1) would end if its last parts were complete. */
import type { FileHandle } from "node:fs/promises";

/** Packet size and position of the sync byte: plain, with a timestamp before it (M2TS), with error correction after it. */
const layouts = [
  { size: 188, sync: 0 },
  { size: 192, sync: 4 },
  { size: 204, sync: 0 },
] as const;
type Layout = (typeof layouts)[number];

const syncByte = 0x47;
/** How much of the end is read: more than the longest packet with a known length, mixed with packets of other streams. */
const tailBytes = 1024 ** 2;

/** How many first bytes tell whether a file is a transport stream. */
export const transportStreamHead = 5 * 204;

/** The layout of a file's packets, from its first bytes; undefined when it is not a transport stream. */
export function packetLayout(head: Buffer): Layout | undefined {
  return layouts.find(({ size, sync }) => {
    const starts = [sync, sync + size, sync + 2 * size, sync + 3 * size].filter((at) => at < head.length);
    return starts.length > 1 && starts.every((at) => head[at] === syncByte);
  });
}

/**
 * The offset where the file would end if its last packet, and the last elementary stream packets (PES) with a given length, were
 * complete. Video often gives no length; then a file that ends between two packets seems complete.
 */
export async function endOfPackets(file: FileHandle, length: number, layout: Layout): Promise<number> {
  const { size } = layout;
  const whole = Math.ceil(length / size) * size;
  if (whole > length) return whole;
  const from = Math.max(0, length - Math.floor(tailBytes / size) * size);
  const { buffer } = await file.read(Buffer.alloc(length - from), 0, length - from, from);
  return length + Math.max(0, ...missingBytes(buffer, layout).values());
}

/** For each stream, by its PID, how many bytes its last PES packet is missing. */
function missingBytes(packets: Buffer, { size, sync }: Layout): Map<number, number> {
  const missing = new Map<number, number>();
  for (let at = sync; at + 188 <= packets.length; at += size) {
    const packet = packets.subarray(at, at + 188);
    if (packet[0] !== syncByte) return new Map();
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const payload = payloadOf(packet);
    if (!payload) continue;
    if ((packet[1]! & 0x40) === 0) {
      const left = missing.get(pid);
      if (left !== undefined) missing.set(pid, left - payload.length);
      continue;
    }
    missing.delete(pid);
    // Zero: no length is given.
    const said = payload.length >= 6 && payload.readUIntBE(0, 3) === 1 ? payload.readUInt16BE(4) : 0;
    if (said > 0) missing.set(pid, said + 6 - payload.length);
  }
  return missing;
}

function payloadOf(packet: Buffer): Buffer | undefined {
  const control = (packet[3]! >> 4) & 3;
  if ((control & 1) === 0) return undefined;
  return packet.subarray(control === 3 ? 5 + packet[4]! : 4);
}
