import type { Orientation } from "@sightline/media";
import { ticksPerSecond } from "../coded-picture.ts";
import { boxesIn, fullBox, u32, u64 } from "./boxes.ts";
import { fileTypeBox, type MovieSound, movieBox } from "./movie-box.ts";
import { movieTimesBox, type Sample } from "./movie-times.ts";
import type { SoundSample, SoundTrack } from "./sound-track.ts";

/** Consecutive samples with one `stsd` box. */
export interface MovieChunk {
  /** The `stsd` box. */
  description: Buffer;
  samples: readonly Pick<Sample, "key" | "pts" | "bytes" | "captureMs">[];
}

/** Consecutive sound with one `stsd` box. */
export interface SoundChunk {
  description: Buffer;
  /** `at` is relative to the movie's start, in samples of the movie's sound. */
  sound: readonly SoundSample[];
}

/** The sound of a movie: samples per second. */
export type MovieSoundRate = Pick<SoundTrack, "sampleRate">;

const largeBytes = 2 ** 32;

/**
 * The bytes before the pictures of a movie that can be played from its first bytes and from any position: ftyp, moov, the capture times, and the
 * header of the box that holds pictures and sound, chunk after chunk. `pts` of all samples must be on one clock; the movie begins with the
 * picture that is shown first.
 */
export function progressiveMovieHead(
  chunks: readonly (MovieChunk | SoundChunk)[],
  { width, height, orientation }: { width: number; height: number; orientation: Orientation },
  lastDuration: number,
  soundRate?: MovieSoundRate,
): Buffer {
  const pictures = chunks.filter((chunk) => "samples" in chunk);
  const samples = pictures.flatMap((chunk) => chunk.samples);
  const shown = samples.map(({ pts }) => pts).sort((a, b) => a - b);
  for (let i = 1; i < shown.length; i++) shown[i] = Math.max(shown[i]!, shown[i - 1]! + 1);
  const first = shown[0] ?? 0;
  const delay = samples.reduce((most, { pts }, i) => Math.max(most, shown[i]! - pts), 0);
  const durations = shown.map((time, i) => (i + 1 < shown.length ? shown[i + 1]! - time : lastDuration));
  const offsets = samples.map(({ pts }, i) => pts + delay - shown[i]!);
  const duration = (shown.at(-1) ?? 0) + lastDuration - first;
  const keys = samples.flatMap(({ key }, i) => (key ? [i + 1] : []));
  const { entry, indices } = descriptions(pictures);
  const tables = [
    fullBox("stts", 0, 0, runs(durations)),
    ...(delay > 0 ? [fullBox("ctts", 0, 0, runs(offsets))] : []),
    fullBox("stss", 0, 0, u32(keys.length), numbers(keys)),
    ...sizesAndChunks(
      pictures.map((chunk) => chunk.samples),
      indices,
    ),
  ];
  const sizes = chunks.map((chunk) =>
    ("samples" in chunk ? chunk.samples : chunk.sound).reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const data = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const large = data + largeBytes / 2 > largeBytes;
  const times = movieTimesBox(samples) ?? Buffer.alloc(0);
  const head = (start: number) => {
    let at = start;
    const places = sizes.map((bytes) => {
      at += bytes;
      return at - bytes;
    });
    const placed = (isPlaced: (chunk: MovieChunk | SoundChunk) => boolean) => {
      const own = places.filter((_, i) => isPlaced(chunks[i]!));
      return large
        ? fullBox("co64", 0, 0, u32(own.length), u64(...own))
        : fullBox("stco", 0, 0, u32(own.length), numbers(own));
    };
    const table = placed((chunk) => "samples" in chunk);
    const track = {
      width,
      height,
      orientation,
      description: entry,
      duration,
      startsAt: delay,
      samples: [...tables, table],
    };
    const heard = chunks.filter((chunk) => "sound" in chunk);
    const sound =
      soundRate && heard.length > 0
        ? movieSound(
            heard,
            soundRate,
            placed((chunk) => "sound" in chunk),
          )
        : undefined;
    const mdat = Buffer.from("mdat", "latin1");
    const dataHead = large ? [u32(1), mdat, u64(data + 16)] : [u32(data + 8), mdat];
    return Buffer.concat([fileTypeBox, movieBox(track, sound), times, ...dataHead]);
  };
  return head(head(0).length);
}

/** The sound track; where frames are missing, the frame before lasts longer. */
function movieSound(
  chunks: readonly SoundChunk[],
  { sampleRate }: MovieSoundRate,
  table: Buffer,
): MovieSound {
  const frames = chunks.flatMap((chunk) => chunk.sound);
  const [first, last] = [frames[0]!, frames.at(-1)!];
  const durations = frames.map(({ at, duration }, i) => (frames[i + 1]?.at ?? at + duration) - at);
  const { entry, indices } = descriptions(chunks);
  return {
    ...{ sampleRate, description: entry, duration: last.at + last.duration - first.at },
    startsAt: Math.round(first.at * (ticksPerSecond / sampleRate)),
    samples: [
      fullBox("stts", 0, 0, runs(durations)),
      ...sizesAndChunks(
        chunks.map((chunk) => chunk.sound),
        indices,
      ),
      table,
    ],
  };
}

/** Size of each sample, number of samples in each chunk, and the index of each chunk's description. */
function sizesAndChunks(
  chunks: readonly (readonly { bytes: number }[])[],
  indices: readonly number[],
): Buffer[] {
  const sizes = chunks.flatMap((samples) => samples.map(({ bytes }) => bytes));
  const rows = chunks.flatMap((samples, i) => [i + 1, samples.length, indices[i]!]);
  return [
    fullBox("stsz", 0, 0, u32(0, sizes.length), numbers(sizes)),
    fullBox("stsc", 0, 0, u32(chunks.length), numbers(rows)),
  ];
}

/** One `stsd` box for all chunks, and the entry of each chunk, from 1. */
function descriptions(chunks: readonly { description: Buffer }[]): { entry: Buffer; indices: number[] } {
  const entries: Buffer[] = [];
  const indices = chunks.map(({ description }) => {
    const [inner] = boxesIn(description, 16);
    const entry = inner ? description.subarray(inner.at, inner.end) : Buffer.alloc(0);
    const known = entries.findIndex((each) => each.equals(entry));
    return known >= 0 ? known + 1 : entries.push(entry);
  });
  return { entry: fullBox("stsd", 0, 0, u32(entries.length), ...entries), indices };
}

/** Number of runs, then length and value of each run. */
function runs(values: readonly number[]): Buffer {
  const found: number[] = [];
  for (const value of values) {
    if (found.length > 0 && found.at(-1) === value) found[found.length - 2]! += 1;
    else found.push(1, value);
  }
  return Buffer.concat([u32(found.length / 2), numbers(found)]);
}

/** Like `u32`, for more values than a function call accepts. */
function numbers(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(4 * values.length);
  for (let i = 0; i < values.length; i++) buffer.writeUInt32BE(values[i]!, 4 * i);
  return buffer;
}
