import { type AacConfig, readAacConfig } from "@sightline/media";
import type { CameraOffer, SdpSound } from "../session/sdp.ts";
import { readPayload } from "./rtp-payload.ts";

/** What a track's description says about its AAC (RFC 3640). */
export interface AacTrack {
  /** AudioSpecificConfig, in the form that files use. */
  config: Buffer;
  aac: AacConfig;
  /** The unit of RTP timestamps. */
  ticksPerSecond: number;
  /** Bits for a frame's size in its header, and for its index: of a packet's first frame and of the others. */
  sizeBits: number;
  indexBits: number;
  deltaBits: number;
}

/** A frame of sound. */
export interface SoundFrame {
  data: Buffer;
  /** RTP ticks since the connection's first frame. */
  ticks: number;
  /** When its last packet arrived, by performance.now(). */
  arrivedAt: number;
}

/** More than a frame of any real sound. */
const mostFrameBytes = 16 * 1024;
/** Other fields that a frame's header may have; no camera sends them, and they are not supported. */
const unread = [
  ...["ctsdeltalength", "dtsdeltalength", "randomaccessindication", "streamstateindication"],
  ...["auxiliarydatasizelength", "constantsize", "maxdisplacement"],
];

/** The track, or the reason why its sound cannot be received. */
export function aacTrack({ codec, rate, parameters }: SdpSound): AacTrack | { fault: string } {
  if (codec !== "MPEG4-GENERIC")
    return {
      fault: `sound with ${codec === "" ? "an unknown codec" : `the codec ${codec}`} is not recorded; set the camera's sound to AAC`,
    };
  const number = (name: string) => Number(parameters.get(name) ?? 0);
  const config = Buffer.from(parameters.get("config") ?? "", "hex");
  const aac = readAacConfig(config);
  if (!aac) return { fault: "the camera's description of its AAC sound cannot be read" };
  const [sizeBits, indexBits, deltaBits] = [
    number("sizelength"),
    number("indexlength"),
    number("indexdeltalength"),
  ];
  // The sizes must be whole numbers of bits: otherwise a packet could seem to have any number of frames.
  const isUsual =
    [sizeBits, indexBits, deltaBits].every((bits) => Number.isInteger(bits) && bits >= 0 && bits <= 16) &&
    sizeBits > 0;
  if (!isUsual || unread.some((name) => number(name) !== 0))
    return { fault: "the camera sends its AAC sound in a format that is not supported (RFC 3640)" };
  return { config, aac, ticksPerSecond: rate > 0 ? rate : aac.sampleRate, sizeBits, indexBits, deltaBits };
}

/** What the camera offers as sound: its first sound track. */
export function offeredSound([sound]: readonly SdpSound[]): CameraOffer["sound"] {
  if (!sound) return undefined;
  const track = aacTrack(sound);
  const codec = sound.codec === "MPEG4-GENERIC" ? "AAC" : sound.codec;
  return { codec, fault: "fault" in track ? track.fault : undefined };
}

/** Extracts the frames of AAC from RTP packets: several in one, or one in several. A frame with a missing packet is left out. */
export class AacDepacketizer {
  readonly #track: AacTrack;
  readonly #emit: (frame: SoundFrame) => void;
  readonly #frameTicks: number;
  #sequence: number | undefined;
  #timestamp: number | undefined;
  #ticks = 0;
  /** A frame that still needs more packets. */
  #part: { data: Buffer[]; bytes: number; size: number; timestamp: number } | undefined;

  constructor(track: AacTrack, emit: (frame: SoundFrame) => void) {
    this.#track = track;
    this.#emit = emit;
    const { aac, ticksPerSecond } = track;
    this.#frameTicks = (aac.frameSamples * ticksPerSecond) / aac.sampleRate;
  }

  /** Takes an RTP packet (RFC 3550); invalid or incomplete packets are ignored. */
  push(packet: Buffer, arrivedAt: number): void {
    const rtp = readPayload(packet);
    if (!rtp) return;
    const { sequence, timestamp, payload } = rtp;
    if (this.#sequence !== undefined && sequence !== ((this.#sequence + 1) & 0xffff)) this.#part = undefined;
    this.#sequence = sequence;
    const sizes = this.#sizes(payload);
    if (!sizes) {
      this.#part = undefined;
      return;
    }
    const begin = this.#unwrap(timestamp);
    let at = sizes.end;
    const [first = 0] = sizes.bytes;
    if (sizes.bytes.length === 1 && first > payload.length - at) {
      this.#fragment(payload.subarray(at), first, timestamp, arrivedAt);
      return;
    }
    this.#part = undefined;
    for (const [i, size] of sizes.bytes.entries()) {
      if (at + size > payload.length) return;
      const data = Buffer.from(payload.subarray(at, at + size));
      at += size;
      if (size > 0) this.#emit({ data, ticks: begin + Math.round(i * this.#frameTicks), arrivedAt });
    }
  }

  /** The RTP ticks (the unit of the frames) for a timestamp that the camera names. */
  ticksAt(timestamp: number): number | undefined {
    return this.#timestamp === undefined ? undefined : this.#ticks + ((timestamp - this.#timestamp) | 0);
  }

  /** Sizes of a packet's frames (RFC 3640, 3.2.1), and where the frames begin; undefined for an invalid packet. */
  #sizes(payload: Buffer): { bytes: number[]; end: number } | undefined {
    const { sizeBits, indexBits, deltaBits } = this.#track;
    if (payload.length < 2) return undefined;
    const headerBits = payload.readUInt16BE(0);
    const end = 2 + Math.ceil(headerBits / 8);
    if (headerBits === 0 || end > payload.length) return undefined;
    const read = (from: number, count: number) => {
      let value = 0;
      for (let i = from; i < from + count; i++)
        value = value * 2 + ((payload[2 + (i >> 3)]! >> (7 - (i & 7))) & 1);
      return value;
    };
    const bytes: number[] = [];
    for (let bit = 0; ; ) {
      const more = bytes.length === 0 ? indexBits : deltaBits;
      if (bit + sizeBits + more > headerBits) break;
      const size = read(bit, sizeBits);
      // Cameras are not expected to send frames in another order than that of their times.
      if (size > mostFrameBytes || (bytes.length > 0 && read(bit + sizeBits, more) !== 0)) return undefined;
      bytes.push(size);
      bit += sizeBits + more;
    }
    return bytes.length > 0 ? { bytes, end } : undefined;
  }

  /** Each packet of a fragmented frame gives the size of the whole frame. */
  #fragment(data: Buffer, size: number, timestamp: number, arrivedAt: number): void {
    if (this.#part?.timestamp !== timestamp || this.#part.size !== size)
      this.#part = { data: [], bytes: 0, size, timestamp };
    const part = this.#part;
    if (data.length === 0) return;
    // A copy: otherwise a camera with tiny pieces would keep all data between them in memory.
    part.data.push(Buffer.from(data));
    part.bytes += data.length;
    if (part.bytes < size) return;
    this.#part = undefined;
    if (part.bytes === size) this.#emit({ data: Buffer.concat(part.data), ticks: this.#ticks, arrivedAt });
  }

  /** RTP's 32-bit timestamps wrap around; the shorter direction is taken. */
  #unwrap(timestamp: number): number {
    this.#ticks += (timestamp - (this.#timestamp ?? timestamp)) | 0;
    this.#timestamp = timestamp;
    return this.#ticks;
  }
}
