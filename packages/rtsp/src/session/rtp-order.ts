/** Packets that may wait for a missing one. */
const mostWaiting = 32;
/** A packet that has not come within this time is lost: networks reorder packets by much less. */
const patienceMs = 40;

/** Puts RTP packets that came over UDP into the order of their sequence numbers (RFC 3550). Decoders accept no other order. */
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
    // Late or repeated; a camera that restarted would jump by more.
    if (ahead < 0 && ahead > -1000) return;
    if (Math.abs(ahead) >= 1000) {
      this.stop();
      this.#next = sequence;
    }
    this.#waiting.set(sequence, packet);
    this.#release();
    if (this.#waiting.size > mostWaiting) this.#giveUp();
  }

  /** Drops the waiting packets. */
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

  /** Continues after the missing packets. */
  #giveUp(): void {
    const from = this.#next ?? 0;
    const nearest = Math.min(...[...this.#waiting.keys()].map((sequence) => distance(from, sequence)));
    if (!Number.isFinite(nearest)) return;
    this.#next = (from + nearest) & 0xffff;
    this.#release();
  }
}

/** How far `to` is ahead of `from`, in 16-bit sequence numbers. */
function distance(from: number, to: number): number {
  return ((to - from + 0x18000) & 0xffff) - 0x8000;
}
