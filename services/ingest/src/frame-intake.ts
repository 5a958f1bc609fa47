import { DropReason } from "@sightline/contracts";
import type { Ledger } from "./ledger.ts";

/** A frame whose pixels are on their way: what is known of it so far. */
export interface ArrivedFrame {
  number: number;
  /** When the compressed frame had arrived, by performance.now(). */
  arrivedAt: number;
  ptsUs: number;
  sourceWidth: number;
  sourceHeight: number;
}

interface Packet {
  /** Undefined while it may be a part of the frame before it. */
  number: number | undefined;
  arrivedAt: number;
  ptsUs: number | undefined;
}

/** Packets are reported to the millisecond, pictures exactly. */
const toleranceUs = 600;
/** More than any codec's reordering; a packet this far behind the newest gives no picture any more. */
const mostInDecoder = 64;

/**
 * Follows compressed frames through one run of a decoder, by their presentation time: which gave a picture, which
 * passed the sampler. Counting begins with the first key frame, since nothing before it can be decoded. From then on every
 * picture is a frame of the account, whatever the times are.
 */
export class FrameIntake {
  readonly #ledger: Ledger;
  #started = false;
  #lastPtsUs: number | undefined;
  /** In the order of arrival. */
  readonly #inDecoder: Packet[] = [];
  #decoded: ArrivedFrame | undefined;
  /** Pictures that passed the sampler, in the order in which their pixels come; undefined: nobody's picture. */
  readonly #toCome: (ArrivedFrame | undefined)[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** A compressed frame has arrived; false when it does not count, being before the first key frame or a part. */
  packet(ptsUs: number | undefined, key: boolean, arrivedAt: number): boolean {
    this.#closeUnsampled();
    this.#started ||= key;
    // Some cameras send parameter sets, or the fields of one picture, as packets of their own; those of others, whose time
    // stands still, are frames: a picture tells.
    const part = ptsUs !== undefined && ptsUs === this.#lastPtsUs;
    this.#lastPtsUs = ptsUs;
    if (!this.#started) return false;
    this.#inDecoder.push({ number: part ? undefined : this.#ledger.capture(), arrivedAt, ptsUs });
    if (this.#inDecoder.length > mostInDecoder) this.#failOldest();
    return !part;
  }

  /**
   * The decoder gave a picture. Pictures come in the order of their times, so any earlier packet gave none. Returns whether
   * its frame is counted only now, no packet having been counted for it.
   */
  decoded(ptsUs: number | undefined, sourceWidth: number, sourceHeight: number, decodedAt: number): boolean {
    this.#closeUnsampled();
    if (!this.#started) return false;
    const packet = this.#takePacket(ptsUs);
    for (const earlier of this.#inDecoder.filter((other) => isBefore(other.ptsUs, ptsUs)))
      this.#fail(earlier);
    const number = packet?.number ?? this.#ledger.capture();
    const arrivedAt = packet?.arrivedAt ?? decodedAt;
    this.#decoded = { number, arrivedAt, ptsUs: ptsUs ?? 0, sourceWidth, sourceHeight };
    return packet?.number === undefined;
  }

  /** The picture passed the sampler: its pixels will come. */
  sampled(): void {
    this.#toCome.push(this.#decoded);
    this.#decoded = undefined;
  }

  /** Whether a picture's pixels are awaited. */
  get awaitsPixels(): boolean {
    return this.#toCome.length > 0;
  }

  /** The frame whose pixels have just come; undefined when they belong to no counted frame. */
  pixels(): ArrivedFrame | undefined {
    return this.#toCome.shift();
  }

  /** The decoder has ended: closes every frame that is still in it. */
  end(reason: DropReason): void {
    this.#closeUnsampled();
    const open = [...this.#inDecoder.splice(0), ...this.#toCome.splice(0)];
    for (const frame of open) if (frame?.number !== undefined) this.#ledger.drop(frame.number, reason);
  }

  /** A picture that the sampler let pass is reported right after it was decoded; anything else means it was not. */
  #closeUnsampled(): void {
    if (this.#decoded) this.#ledger.drop(this.#decoded.number, DropReason.SAMPLED_OUT);
    this.#decoded = undefined;
  }

  /** The packet that a picture of this time came from. */
  #takePacket(ptsUs: number | undefined): Packet | undefined {
    const packets = this.#inDecoder;
    const ofTime = (packet: Packet) => sameTime(packet.ptsUs, ptsUs);
    const packet =
      packets.find((each) => each.number !== undefined && ofTime(each)) ??
      packets.findLast(ofTime) ??
      // ffmpeg learns the time of a connection's first packet only after it has reported it.
      packets.find((each) => each.ptsUs === undefined);
    if (packet) packets.splice(packets.indexOf(packet), 1);
    return packet;
  }

  #failOldest(): void {
    const oldest = this.#inDecoder[0];
    if (oldest) this.#fail(oldest);
  }

  #fail(packet: Packet): void {
    this.#inDecoder.splice(this.#inDecoder.indexOf(packet), 1);
    if (packet.number !== undefined) this.#ledger.drop(packet.number, DropReason.DECODE_ERROR);
  }
}

function sameTime(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Math.abs(a - b) <= toleranceUs;
}

function isBefore(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a < b - toleranceUs;
}
