import { randomInt } from "node:crypto";
import { rtpPacket } from "./rtp-packets.ts";
import type { SoundClip } from "./sound-clip.ts";
import { sendPacket, type TrackRoute } from "./track-player.ts";

/** The sound track of a scripted camera. */
export interface ScriptedSound {
  clip: SoundClip;
  /** Frames per packet; 1 unless given. */
  framesPerPacket?: number;
  /** Most bytes of sound in a packet: larger frames are sent in several packets. */
  packetBytes?: number;
  /** Seconds after which it starts, and after which it stops. */
  from?: number;
  to?: number;
  /** Changes the RTP packets of one step: their order, their bytes, or which of them are sent. */
  packets?: (packets: Buffer[]) => Buffer[];
}

const frameSamples = 1024;

/** Sends sound in real time, in a loop, as RTP (RFC 3640, AAC-hbr). */
export class SoundPlayer {
  readonly #sound: ScriptedSound;
  readonly #route: TrackRoute;
  readonly #origin = randomInt(1, 2 ** 31);
  #sequence = randomInt(0, 60_000);
  #index = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(sound: ScriptedSound, route: TrackRoute) {
    this.#sound = sound;
    this.#route = route;
  }

  start(): void {
    if (this.#startedAt !== 0) return;
    this.#startedAt = performance.now();
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The next packet is due when it is full, since its last frame has been recorded then. */
  #schedule(): void {
    const { clip, framesPerPacket = 1 } = this.#sound;
    const ends = clip.startsAt + ((this.#index + framesPerPacket) * frameSamples) / clip.sampleRate;
    const wait = this.#startedAt + ends * 1000 - performance.now();
    this.#timer = setTimeout(() => this.#send(), Math.max(0, wait));
  }

  #send(): void {
    const { clip, framesPerPacket = 1, packetBytes = 1300, packets } = this.#sound;
    const { from = 0, to = Number.POSITIVE_INFINITY } = this.#sound;
    const first = this.#index;
    const frames = Array.from(
      { length: framesPerPacket },
      () => clip.frames[this.#index++ % clip.frames.length]!,
    );
    const seconds = (first * frameSamples) / clip.sampleRate;
    if (seconds >= from && seconds < to) {
      const timestamp = this.#origin + first * frameSamples;
      const payloads = aacPayloads(frames, packetBytes);
      const all = payloads.map((payload, i) =>
        rtpPacket(payload, this.#sequence++, timestamp, i === payloads.length - 1),
      );
      for (const packet of packets?.(all) ?? all) sendPacket(this.#route, packet);
    }
    this.#schedule();
  }
}

/** Several frames in one payload, or a large frame in several payloads; each gives the size of the whole frame. */
function aacPayloads(frames: readonly Buffer[], packetBytes: number): Buffer[] {
  const [first] = frames;
  if (frames.length === 1 && first!.length > packetBytes) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < first!.length; at += packetBytes)
      pieces.push(Buffer.concat([headers([first!]), first!.subarray(at, at + packetBytes)]));
    return pieces;
  }
  return [Buffer.concat([headers(frames), ...frames])];
}

function headers(frames: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(2 + 2 * frames.length);
  head.writeUInt16BE(16 * frames.length);
  for (const [i, { length }] of frames.entries()) head.writeUInt16BE(length << 3, 2 + 2 * i);
  return head;
}

/** The description of the sound as one `m=` section (RFC 8866). */
export function describeSound({ config, sampleRate }: SoundClip, control: string): string {
  return [
    "m=audio 0 RTP/AVP 96",
    `a=rtpmap:96 mpeg4-generic/${sampleRate}/${(config[1]! >> 3) & 0x0f}`,
    `a=fmtp:96 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=${config.toString("hex")}`,
    `a=control:${control}`,
    "",
  ].join("\r\n");
}
