import { RtspProtocolError } from "../errors.ts";

/** A request or response (RFC 2326). */
export interface RtspMessage {
  startLine: string;
  /** Values by lower-case name, in the order received. */
  headers: ReadonlyMap<string, readonly string[]>;
  body: string;
}

export interface RtspReaderEvents {
  message(message: RtspMessage): void;
  /** A packet of an interleaved channel, including its 4-byte header; it stays valid after the call. */
  packet(channel: number, packet: Buffer): void;
}

const mostHead = 16 * 1024;
/** More than any camera's description. */
const mostBody = 64 * 1024;
/** Most stray bytes between packets, for cameras that are not exact. */
const mostJunk = 64 * 1024;
const dollar = 0x24;
/** How a message begins, or what may still become the beginning of one. */
const messageStart = /^(RTSP\/|[A-Z_]{3,20} |[A-Z_]{1,20}$)/;

/** Splits the data of an RTSP connection into messages and the packets between them. Its memory is bounded for any input. */
export class RtspReader {
  readonly #events: RtspReaderEvents;
  #pending: Buffer | undefined;
  #head: { startLine: string; headers: Map<string, string[]>; length: number } | undefined;
  #hadPacket = false;
  #junk = 0;

  constructor(events: RtspReaderEvents) {
    this.#events = events;
  }

  /** Takes the next bytes, split anywhere. @throws RtspProtocolError */
  write(chunk: Buffer): void {
    const data = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk;
    let position = 0;
    while (position < data.length) {
      const taken = this.#take(data, position);
      if (taken === 0) break;
      position += taken;
    }
    this.#pending = position < data.length ? data.subarray(position) : undefined;
  }

  /** Parses one item at `position`; returns its length, or 0 when it is not complete yet. */
  #take(data: Buffer, position: number): number {
    if (this.#head) return this.#takeBody(data, position, this.#head);
    const first = data[position];
    if (first === dollar) return this.#takePacket(data, position);
    if (first === 0x0d || first === 0x0a) return 1;
    return this.#takeHead(data, position);
  }

  #takePacket(data: Buffer, position: number): number {
    if (data.length < position + 4) return 0;
    const end = position + 4 + data.readUInt16BE(position + 2);
    if (data.length < end) return 0;
    this.#hadPacket = true;
    this.#junk = 0;
    this.#events.packet(data.readUInt8(position + 1), data.subarray(position, end));
    return end - position;
  }

  #takeHead(data: Buffer, position: number): number {
    const begin = data.toString("latin1", position, position + 24);
    if (!messageStart.test(begin)) return this.#skip(data, position);
    const end = endOfHead(data, position, Math.min(data.length, position + mostHead));
    if (end === undefined) {
      if (data.length - position >= mostHead)
        throw new RtspProtocolError("the header of its answer is longer than 16 KiB");
      return 0;
    }
    const [startLine = "", ...lines] = data.toString("utf8", position, end).trimEnd().split(/\r?\n/);
    if (!/(^RTSP\/\d\.\d \d{3}\b)|( RTSP\/\d\.\d$)/.test(startLine)) return this.#skip(data, position);
    const headers = new Map<string, string[]>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon < 0) continue;
      const name = line.slice(0, colon).trim().toLowerCase();
      headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
    }
    const length = Number(headers.get("content-length")?.[0] ?? 0);
    if (!Number.isInteger(length) || length < 0 || length > mostBody)
      throw new RtspProtocolError("its answer is longer than 64 KiB");
    if (length > 0) this.#head = { startLine, headers, length };
    else this.#events.message({ startLine, headers, body: "" });
    return end - position;
  }

  #takeBody(
    data: Buffer,
    position: number,
    { startLine, headers, length }: { startLine: string; headers: Map<string, string[]>; length: number },
  ): number {
    if (data.length < position + length) return 0;
    this.#head = undefined;
    this.#events.message({ startLine, headers, body: data.toString("utf8", position, position + length) });
    return length;
  }

  /** Skips bytes that are neither message nor packet: some cameras put them between packets. */
  #skip(data: Buffer, position: number): number {
    if (!this.#hadPacket) throw new RtspProtocolError("its answer is not RTSP");
    const next = data.indexOf(dollar, position + 1);
    const skipped = (next < 0 ? data.length : next) - position;
    this.#junk += skipped;
    if (this.#junk > mostJunk) throw new RtspProtocolError("the data that it sends is not RTSP");
    return skipped;
  }
}

/** Position after the empty line that ends a message's head; some cameras end their lines with a bare line feed. */
function endOfHead(data: Buffer, from: number, to: number): number | undefined {
  for (let at = data.indexOf(0x0a, from); at >= 0 && at < to; at = data.indexOf(0x0a, at + 1)) {
    if (data[at + 1] === 0x0a && at + 1 < to) return at + 2;
    if (data[at + 1] === 0x0d && data[at + 2] === 0x0a && at + 2 < to) return at + 3;
  }
  return undefined;
}
