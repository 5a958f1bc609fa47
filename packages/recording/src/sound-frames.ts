import { type AacConfig, readAacConfig, silentAacFrame } from "@sightline/media";
import { ticksPerSecond } from "./coded-picture.ts";
import type { SoundSample } from "./mp4/sound-track.ts";

/** A frame of sound as a camera sent it. */
export interface CodedSound {
  /** AAC without a header; its memory does not change later. */
  data: Uint8Array;
  /** When it is to be heard, in the pictures' time (`CodedPicture.ptsUs`). */
  ptsUs: number;
  /** Arrival of the complete frame, by performance.now(). */
  arrivedAt: number;
}

/** A frame and its position, in samples since 1970. */
interface PlacedFrame {
  data: Uint8Array;
  at: number;
}

/** Within this distance, sound counts as continuous. */
const toleranceSeconds = 0.02;
/** A gap longer than this is not filled with silence. */
const mostFilledSeconds = 15;
/** Sound this far behind the pictures has stopped; it is replaced by silence, except for the last part. */
const behindSeconds = 2;
const leftSeconds = 1;
/** How far sound may come before or after its pictures, in seconds. */
const startSeconds = 0.5;
/** How many frames of sound are kept while no picture comes. */
const mostFrames = 2_000;

/**
 * Sound that waits to be written with the pictures of its time. Missing frames are filled with silence, because players stop at a gap.
 */
export class SoundFrames {
  readonly #aac: AacConfig;
  readonly #silence: Buffer | undefined;
  #waiting: PlacedFrame[] = [];
  /** Position where the next frame is expected. */
  #next: number | undefined;

  /** `config`: AudioSpecificConfig of AAC that a file can hold. */
  constructor(config: Uint8Array) {
    this.#aac = readAacConfig(config)!;
    this.#silence = silentAacFrame(this.#aac);
  }

  /** A file begins with a picture shown at this time, in ticks. */
  begin(ticks: number): void {
    const at = this.#samples(ticks);
    const around = startSeconds * this.#aac.sampleRate;
    // Sound that was left out in the meantime, or was timed by another clock, is not heard in this file.
    if ((this.#waiting.at(-1)?.at ?? at) > at + 2 * around) this.#waiting = [];
    this.#waiting = this.#waiting.filter((frame) => frame.at >= at - around);
    const isNear = this.#next !== undefined && Math.abs(this.#next - at) <= around;
    if (!isNear && this.#waiting.length === 0) this.#next = at;
  }

  /** Takes the next frame, to be heard at this time, in ticks. A frame that starts before the end of the last one is left out. */
  push(data: Uint8Array, ticks: number): void {
    const tolerance = toleranceSeconds * this.#aac.sampleRate;
    const at = this.#samples(ticks);
    this.#next ??= at;
    if (at < this.#next - tolerance || data.byteLength === 0) return;
    if (at > this.#next + tolerance) this.#fill(at);
    this.#place(data);
  }

  /** The frames that are heard before this time, in ticks; all frames if no time is given. */
  take(before: number | undefined): { samples: SoundSample[]; frames: Uint8Array[] } {
    const { sampleRate, frameSamples } = this.#aac;
    const end = before === undefined ? Number.POSITIVE_INFINITY : this.#samples(before);
    if (before !== undefined && this.#silence && (this.#next ?? end) < end - behindSeconds * sampleRate)
      this.#fill(end - leftSeconds * sampleRate);
    const taken = this.#waiting.filter(({ at }) => at < end);
    this.#waiting = this.#waiting.slice(taken.length);
    const samples = taken.map(({ data, at }, i) => ({
      ...{ at, bytes: data.byteLength },
      duration: (taken[i + 1]?.at ?? at + frameSamples) - at,
    }));
    return { samples, frames: taken.map(({ data }) => data) };
  }

  /** Drops the waiting frames. */
  drop(): void {
    this.#waiting = [];
    this.#next = undefined;
  }

  #place(data: Uint8Array): void {
    this.#waiting.push({ data, at: this.#next! });
    this.#next = this.#next! + this.#aac.frameSamples;
    if (this.#waiting.length > mostFrames) this.#waiting.shift();
  }

  /** Fills with silence up to a position, or jumps to it. */
  #fill(to: number): void {
    const { sampleRate, frameSamples } = this.#aac;
    if (this.#silence && to - this.#next! <= mostFilledSeconds * sampleRate)
      while (this.#next! + frameSamples <= to) this.#place(this.#silence);
    this.#next = Math.max(this.#next!, Math.round(to));
  }

  /** Ticks since 1970 as samples. */
  #samples(ticks: number): number {
    return Math.round(ticks * (this.#aac.sampleRate / ticksPerSecond));
  }
}
