import { randomInt } from "node:crypto";
import type { Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import { rtpPacket, rtpPayloads } from "./rtp-packets.ts";
import { isKey, type VideoClip } from "./video-clip.ts";

/** A picture about to be sent. */
export interface PlayedPicture {
  /** Counts from 0 over all rounds of the clip. */
  index: number;
  key: boolean;
  data: Buffer;
  /** RTP timestamp, 90 kHz, from the clip's times: with an arbitrary start, always growing. */
  timestamp: number;
  /** The first picture's timestamp. */
  origin: number;
}

/** A video track of a scripted camera. */
export interface ScriptedTrack {
  clip: VideoClip;
  /** Plays the clip this many times faster. */
  speed?: number;
  /** Changes a picture or its timestamp before it is sent; undefined leaves it out, "end" ends the connection. */
  picture?: (picture: PlayedPicture) => Pick<PlayedPicture, "data" | "timestamp"> | "end" | undefined;
  /** Changes the RTP packets of a picture: their order, or which of them are sent. */
  packets?: (packets: Buffer[]) => Buffer[];
}

/** Where the packets go: a channel of the RTSP connection, or UDP ports. */
export type TrackRoute =
  | { socket: Socket; channel: number }
  | { udp: UdpSocket; address: string; port: number };

/** Sends one track in real time, in a loop, as RTP. */
export class TrackPlayer {
  readonly #track: ScriptedTrack;
  readonly #route: TrackRoute;
  readonly #origin = randomInt(1, 2 ** 31);
  #sequence = randomInt(0, 60_000);
  #index = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(track: ScriptedTrack, route: TrackRoute) {
    this.#track = track;
    this.#route = route;
  }

  start(): void {
    if (this.#startedAt !== 0) return;
    this.#startedAt = performance.now();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** The next picture, and its time in seconds since the start. */
  #next() {
    const { clip, speed = 1 } = this.#track;
    const unit = clip.units[this.#index % clip.units.length]!;
    const round = Math.floor(this.#index / clip.units.length) * clip.duration;
    return { unit, due: (round + unit.dts) / speed, time: (round + unit.pts) / speed };
  }

  #schedule(): void {
    const wait = this.#startedAt + this.#next().due * 1000 - performance.now();
    this.#timer = setTimeout(() => this.#send(), Math.max(0, wait));
  }

  #send(): void {
    if (this.#stopped) return;
    const { clip, picture, packets } = this.#track;
    const { unit, time } = this.#next();
    const sent: PlayedPicture = {
      index: this.#index++,
      key: isKey(clip.codec, unit),
      data: unit.data,
      timestamp: this.#origin + Math.round(time * 90_000),
      origin: this.#origin,
    };
    const chosen = picture ? picture(sent) : sent;
    if (chosen === "end") {
      if ("socket" in this.#route) this.#route.socket.destroy();
      this.stop();
      return;
    }
    if (chosen) {
      const payloads = rtpPayloads(clip.codec, chosen.data);
      const all = payloads.map((payload, i) =>
        rtpPacket(payload, this.#sequence++, chosen.timestamp, i === payloads.length - 1),
      );
      for (const packet of packets?.(all) ?? all) sendPacket(this.#route, packet);
    }
    this.#schedule();
  }
}

/** Sends an RTP packet. */
export function sendPacket(route: TrackRoute, packet: Buffer): void {
  if (!("socket" in route)) {
    route.udp.send(packet, route.port, route.address);
    return;
  }
  const head = Buffer.from([0x24, route.channel, packet.length >> 8, packet.length & 0xff]);
  route.socket.write(Buffer.concat([head, packet]));
}
