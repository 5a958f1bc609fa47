import {
  type CodedPicture,
  lengthPrefixedBytes,
  nalUnits,
  ticksPerSecond,
  type UnitPlace,
  writeLengthPrefixed,
} from "./coded-picture.ts";
import type { DecodeTimes } from "./media-clock.ts";
import { fragmentHead } from "./mp4/fragment.ts";
import type { Sample } from "./mp4/movie-times.ts";
import type { SoundSample } from "./mp4/sound-track.ts";

/** A picture with its time, in ticks. */
export interface TimedPicture {
  picture: CodedPicture;
  ticks: number;
}

/** Sound that belongs to the pictures of a fragment. */
export interface FragmentSound {
  samples: readonly SoundSample[];
  frames: readonly Uint8Array[];
}

const silent: FragmentSound = { samples: [], frames: [] };

/** Pictures that are stored together in a file, in decoding order, with the sound of their time. */
export class Fragment {
  readonly bytes: number;
  /** End of the picture that is shown last, by the wall clock in milliseconds since 1970. */
  readonly endMs: number;
  readonly #head: Buffer;
  readonly #pictures: readonly TimedPicture[];
  readonly #units: readonly UnitPlace[][];
  readonly #sound: FragmentSound;

  /** `next` is the time at which the following picture is shown, if known. */
  constructor(
    sequence: number,
    pictures: readonly TimedPicture[],
    decodeTimes: DecodeTimes,
    next: number | undefined,
    sound = silent,
  ) {
    const samples = samplesOf(pictures, decodeTimes, next);
    this.#sound = sound;
    this.#pictures = pictures;
    this.#units = pictures.map(({ picture }) => nalUnits(picture.data));
    for (const [i, sample] of samples.entries()) sample.bytes = lengthPrefixedBytes(this.#units[i]!);
    this.#head = fragmentHead(sequence, samples, sound.samples);
    this.bytes = [...samples, ...sound.samples].reduce((sum, { bytes }) => sum + bytes, this.#head.length);
    const last = samples.reduce((a, b) => (b.captureMs > a.captureMs ? b : a));
    this.endMs = Math.ceil(last.captureMs + (last.duration * 1000) / ticksPerSecond);
  }

  /** The bytes of the fragment in a file. */
  toBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.bytes);
    let at = this.#head.copy(buffer);
    for (const [i, { picture }] of this.#pictures.entries())
      at = writeLengthPrefixed(picture.data, this.#units[i]!, buffer, at);
    for (const frame of this.#sound.frames) {
      buffer.set(frame, at);
      at += frame.byteLength;
    }
    return buffer;
  }
}

function samplesOf(
  pictures: readonly TimedPicture[],
  decodeTimes: DecodeTimes,
  next: number | undefined,
): Sample[] {
  const dts = decodeTimes.of(pictures.map(({ ticks }) => ticks));
  const count = pictures.length;
  const reordered = decodeTimes.delay > 0;
  const single = next === undefined ? ticksPerSecond / 25 : next - pictures[0]!.ticks;
  const usual = count > 1 ? dts[count - 1]! - dts[count - 2]! : single;
  const lastDuration = next === undefined || reordered ? usual : Math.max(1, next - dts[count - 1]!);
  return pictures.map(({ picture: { key, captureMs }, ticks }, i) => ({
    ...{ key, pts: ticks, dts: dts[i]!, bytes: 0, captureMs },
    duration: i + 1 < count ? dts[i + 1]! - dts[i]! : lastDuration,
  }));
}
