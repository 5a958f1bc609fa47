import { DropReason } from "@sightline/contracts";
import type { Ledger } from "./ledger.ts";

/**
 * How the arrival of a frame is known: by its own packets; by ffmpeg's report of it, which for some codecs comes when the next
 * frame begins; or only by its picture.
 */
export type ArrivalSource = "packets" | "report" | "picture";

/** A frame whose pixels are on their way: what is known of it so far. */
export interface ArrivedFrame {
  number: number;
  /** When the compressed frame had arrived, by performance.now(). */
  arrivedAt: number;
  arrivalSource: ArrivalSource;
  ptsUs: number;
  sourceWidth: number;
  sourceHeight: number;
}

interface Packet {
  /** Undefined while it may be a part of the frame before it. */
  number: number | undefined;
  arrivedAt: number;
  arrivalSource: ArrivalSource;
  ptsUs: number | undefined;
  /** The time that its picture will have. */
  decoderPtsUs: number | undefined;
}

/** ffmpeg reports packets to the millisecond, pictures exactly. */
const reportToleranceUs = 600;
/** Of the rounding to microseconds. */
const exactToleranceUs = 2;
/** More than any codec's reordering: a packet this far behind one that gave a picture gives none any more. */
const mostReordered = 64;
/** Those that we saw ourselves may wait for a decoder that starts or is slow; it is not given more than a few MiB. */
const mostWaiting = 8192;

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

  /**
   * A compressed frame has arrived; false when it does not count, being before the first key frame or a part. `decoderPtsUs`:
   * the time that its picture will have, where that is not its own.
   */
  packet(
    ptsUs: number | undefined,
    key: boolean,
    arrivedAt: number,
    arrivalSource: ArrivalSource = "report",
    decoderPtsUs = ptsUs,
  ): boolean {
    // A packet of ffmpeg's report stands in the order of its pictures; one that we saw ourselves may come at any time.
    if (arrivalSource === "report") this.#closeUnsampled();
    this.#started ||= key;
    // Some cameras send parameter sets, or the fields of one picture, as packets of their own; those of others, whose time
    // stands still, are frames: a picture tells.
    const part = ptsUs !== undefined && ptsUs === this.#lastPtsUs;
    this.#lastPtsUs = ptsUs;
    if (!this.#started) return false;
    const number = part ? undefined : this.#ledger.capture();
    this.#inDecoder.push({ number, arrivedAt, arrivalSource, ptsUs, decoderPtsUs });
    const most = arrivalSource === "report" ? mostReordered : mostWaiting;
    if (this.#inDecoder.length > most) this.#failOldest();
    return !part;
  }

  /**
   * The decoder gave a picture. Pictures come in the order of their times, so any packet with an earlier time that arrived
   * before its own gave none. Returns whether its frame is counted only now, no packet having been counted for it.
   */
  decoded(ptsUs: number | undefined, sourceWidth: number, sourceHeight: number, decodedAt: number): boolean {
    this.#closeUnsampled();
    if (!this.#started) return false;
    const packets = this.#inDecoder;
    const packet = this.#packetOf(ptsUs);
    const index = packet ? packets.indexOf(packet) : packets.length;
    const earlier = packets
      .slice(0, index)
      .filter((other, i) => isBefore(other, ptsUs) || (packet && i < index - mostReordered));
    if (packet) packets.splice(index, 1);
    for (const each of earlier) this.#fail(each);
    const number = packet?.number ?? this.#ledger.capture();
    const arrivedAt = packet?.arrivedAt ?? decodedAt;
    const arrivalSource = packet?.arrivalSource ?? "picture";
    this.#decoded = {
      number,
      arrivedAt,
      arrivalSource,
      ptsUs: packet?.arrivalSource === "packets" ? (packet.ptsUs ?? 0) : (ptsUs ?? 0),
      sourceWidth,
      sourceHeight,
    };
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
  #packetOf(ptsUs: number | undefined): Packet | undefined {
    const packets = this.#inDecoder;
    const ofTime = (packet: Packet) => isAt(packet, ptsUs);
    return (
      packets.find((each) => each.number !== undefined && ofTime(each)) ??
      packets.findLast(ofTime) ??
      // ffmpeg learns the time of a connection's first packet only after it has reported it.
      packets.find((each) => each.ptsUs === undefined)
    );
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

function toleranceUs({ arrivalSource }: Packet): number {
  return arrivalSource === "packets" ? exactToleranceUs : reportToleranceUs;
}

function isAt(packet: Packet, ptsUs: number | undefined): boolean {
  const time = packet.decoderPtsUs;
  if (time === undefined || ptsUs === undefined) return time === ptsUs;
  return Math.abs(time - ptsUs) <= toleranceUs(packet);
}

function isBefore(packet: Packet, ptsUs: number | undefined): boolean {
  const time = packet.decoderPtsUs;
  return time !== undefined && ptsUs !== undefined && time < ptsUs - toleranceUs(packet);
}
