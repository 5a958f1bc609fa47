import { DropReason } from "@sightline/contracts";
import type { Ledger } from "./ledger.ts";

/**
 * What tells the arrival of a frame: its own packets; ffmpeg's report of it, which for some codecs comes when the next
 * frame begins; or only its picture.
 */
export type ArrivalSource = "packets" | "report" | "picture";

/** A frame whose pixels are still to come: what is known about it so far. */
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
  /** Undefined while it may be part of the frame before it. */
  number: number | undefined;
  arrivedAt: number;
  arrivalSource: ArrivalSource;
  ptsUs: number | undefined;
  /** The presentation time that its decoded picture will have. */
  decoderPtsUs: number | undefined;
}

/** ffmpeg reports the times of packets to the millisecond, those of pictures exactly. */
const reportToleranceUs = 600;
/** Room for the rounding to microseconds. */
const exactToleranceUs = 2;
/** More than any codec's reordering: a packet this far behind one that gave a picture will give none. */
const mostReordered = 64;
/** Packets that were seen here may wait for a decoder that starts or is slow; it gets no more than a few MiB. */
const mostWaiting = 8192;

/**
 * Follows compressed frames through one run of a decoder, by their presentation time: which gave a picture, and which
 * passed the sampler. Counting begins with the first key frame, because nothing before it can be decoded. From then on
 * every picture is a frame of the account, whatever its time is.
 */
export class FrameIntake {
  readonly #ledger: Ledger;
  #started = false;
  #lastPtsUs: number | undefined;
  /** In the order of arrival. */
  readonly #inDecoder: Packet[] = [];
  #decoded: ArrivedFrame | undefined;
  /**
   * Pictures that passed the sampler, in the order in which their pixels come; undefined: a picture of no counted frame.
   */
  readonly #toCome: (ArrivedFrame | undefined)[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * A compressed frame has arrived. Returns false when it does not count: it comes before the first key frame, or is only
   * part of a frame. `decoderPtsUs`: the time of its decoded picture, where that differs from its own.
   */
  packet(
    ptsUs: number | undefined,
    key: boolean,
    arrivedAt: number,
    arrivalSource: ArrivalSource = "report",
    decoderPtsUs = ptsUs,
  ): boolean {
    // ffmpeg reports packets in order with its pictures; a packet that was seen here may come at any time.
    if (arrivalSource === "report") this.#closeUnsampled();
    this.#started ||= key;
    // Some cameras send parameter sets, or the fields of one picture, as separate packets with the same time. Other cameras
    // have times that stand still, and each packet is a frame: the decoded pictures show which it is.
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
   * The decoder gave a picture. Pictures come in the order of their times, so an earlier-timed packet that arrived before
   * this picture's packet gave none. Returns whether its frame is counted only now because no packet was counted for it.
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

  /** The picture passed the sampler: its pixels will follow. */
  sampled(): void {
    this.#toCome.push(this.#decoded);
    this.#decoded = undefined;
  }

  /** Whether pixels of a picture are still to come. */
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

  /**
   * A picture that passes the sampler is reported right after it was decoded; any other report means that it did not pass.
   */
  #closeUnsampled(): void {
    if (this.#decoded) this.#ledger.drop(this.#decoded.number, DropReason.SAMPLED_OUT);
    this.#decoded = undefined;
  }

  /** The packet from which a picture with this time was decoded. */
  #packetOf(ptsUs: number | undefined): Packet | undefined {
    const packets = this.#inDecoder;
    const ofTime = (packet: Packet) => isAt(packet, ptsUs);
    return (
      packets.find((each) => each.number !== undefined && ofTime(each)) ??
      packets.findLast(ofTime) ??
      // ffmpeg learns the time of a connection's first packet only after it has reported the packet.
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
