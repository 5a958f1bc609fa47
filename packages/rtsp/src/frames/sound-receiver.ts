import { rtcpChannel, rtpChannel } from "../session/rtp-transport.ts";
import { AacDepacketizer, type AacTrack } from "./aac-depacketizer.ts";
import { SoundClock } from "./sound-clock.ts";

/** A complete frame of sound. */
export interface ArrivedSound {
  /** When it is to be heard, in the time of the video's pictures, in microseconds; it may go back or leave a gap. */
  ptsUs: number;
  /** One frame of AAC without a header. */
  data: Buffer;
  /** When its last packet arrived, by performance.now(). */
  arrivedAt: number;
}

/** Assembles the sound of a camera and gives each frame its time in the video. Sound that comes before the video is left out. */
export class SoundReceiver {
  onSound: ((sound: ArrivedSound) => void) | undefined;
  readonly #clock = new SoundClock();
  readonly #depacketizer: AacDepacketizer;
  readonly #ticksPerUs: number;

  constructor(track: AacTrack) {
    const { aac, ticksPerSecond } = track;
    this.#ticksPerUs = ticksPerSecond / 1e6;
    const frameUs = (aac.frameSamples / aac.sampleRate) * 1e6;
    this.#depacketizer = new AacDepacketizer(track, ({ data, ticks, arrivedAt }) => {
      const beginsUs = ticks / this.#ticksPerUs;
      this.#clock.arrived("sound", beginsUs + frameUs, arrivedAt * 1000);
      const ptsUs = this.#clock.videoTimeAt(beginsUs);
      if (ptsUs !== undefined) this.onSound?.({ ptsUs: Math.round(ptsUs), data, arrivedAt });
    });
  }

  /** Takes RTP (channel 0) and RTCP (channel 1) of the sound, including the 4-byte header. */
  push(packet: Buffer, arrivedAt: number): void {
    const body = packet.subarray(4);
    if (packet[1] === rtpChannel) this.#depacketizer.push(body, arrivedAt);
    else
      this.#clock.report("sound", body, (timestamp) => {
        const ticks = this.#depacketizer.ticksAt(timestamp);
        return ticks === undefined ? undefined : ticks / this.#ticksPerUs;
      });
  }

  /** A picture of the video has arrived. */
  picture(ptsUs: number, arrivedAt: number): void {
    this.#clock.arrived("video", ptsUs, arrivedAt * 1000);
  }

  /** Takes RTCP of the video. */
  videoReport(packet: Buffer, toVideoUs: (timestamp: number) => number | undefined): void {
    if (packet[1] === rtcpChannel) this.#clock.report("video", packet.subarray(4), toVideoUs);
  }
}
