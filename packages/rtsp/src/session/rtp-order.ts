/** Packets that may wait for one that lacks. */
const mostWaiting = 32;
/** A packet that has not come in this time is lost: a network reorders within much less. */
const patienceMs = 40;

/** Puts RTP packets that came over UDP into the order of their sequence numbers (RFC 3550). A decoder takes no other. */
export class RtpOrder {
  readonly #emit: (packet: Buffer) => void;
  readonly #waiting = new Map<number, Buffer>();
  #next: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(emit: (packet: Buffer) => void) {
    this.#emit = emit;
  }

  push(packet: Buffer): void {
    if (packet.length < 12) return;
    const sequence = packet.readUInt16BE(2);
    this.#next ??= sequence;
    const ahead = distance(this.#next, sequence);
    // Late or twice; a camera that began anew jumps by more.
    if (ahead < 0 && ahead > -1000) return;
    if (Math.abs(ahead) >= 1000) {
      this.stop();
      this.#next = sequence;
    }
    this.#waiting.set(sequence, packet);
    this.#release();
    if (this.#waiting.size > mostWaiting) this.#giveUp();
  }

  /** Drops what waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #release(): void {
    for (let packet: Buffer | undefined; this.#next !== undefined; this.#next = (this.#next + 1) & 0xffff) {
      packet = this.#waiting.get(this.#next);
      if (!packet) break;
      this.#waiting.delete(this.#next);
      this.#emit(packet);
    }
    clearTimeout(this.#timer);
    this.#timer = this.#waiting.size > 0 ? setTimeout(() => this.#giveUp(), patienceMs) : undefined;
  }

  /** Goes on behind the packets that lack. */
  #giveUp(): void {
    const from = this.#next ?? 0;
    const nearest = Math.min(...[...this.#waiting.keys()].map((sequence) => distance(from, sequence)));
    if (!Number.isFinite(nearest)) return;
    this.#next = (from + nearest) & 0xffff;
    this.#release();
  }
}

/** How far `to` lies ahead of `from`, in sequence numbers of 16 bits. */
function distance(from: number, to: number): number {
  return ((to - from + 0x18000) & 0xffff) - 0x8000;
}
