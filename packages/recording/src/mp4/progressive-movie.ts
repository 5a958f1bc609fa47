import type { Orientation } from "@sightline/media";
import { boxesIn, fullBox, u32, u64 } from "./boxes.ts";
import { fileTypeBox, movieBox } from "./movie-box.ts";
import { movieTimesBox } from "./movie-times.ts";
import type { Sample } from "./sample.ts";

/** Samples that lie one behind the other and are described by one `stsd` box. */
export interface MovieChunk {
  /** The `stsd` box. */
  description: Buffer;
  samples: readonly Pick<Sample, "key" | "pts" | "bytes" | "captureMs">[];
}

const largeBytes = 2 ** 32;

/**
 * What stands before the pictures of a movie that can be played from its first bytes on and at any place: ftyp, moov, when the pictures were
 * captured, and the head of the box that holds them, chunk after chunk. `pts` of all samples must be on one clock; the movie begins with the first that is shown.
 */
export function progressiveMovieHead(
  chunks: readonly MovieChunk[],
  { width, height, orientation }: { width: number; height: number; orientation: Orientation },
  lastDuration: number,
): Buffer {
  const samples = chunks.flatMap((chunk) => chunk.samples);
  const shown = samples.map(({ pts }) => pts).sort((a, b) => a - b);
  for (let i = 1; i < shown.length; i++) shown[i] = Math.max(shown[i]!, shown[i - 1]! + 1);
  const first = shown[0] ?? 0;
  const delay = samples.reduce((most, { pts }, i) => Math.max(most, shown[i]! - pts), 0);
  const durations = shown.map((time, i) => (i + 1 < shown.length ? shown[i + 1]! - time : lastDuration));
  const offsets = samples.map(({ pts }, i) => pts + delay - shown[i]!);
  const duration = (shown.at(-1) ?? 0) + lastDuration - first;
  const keys = samples.flatMap(({ key }, i) => (key ? [i + 1] : []));
  const { entry, indices } = descriptions(chunks);
  const tables = [
    fullBox("stts", 0, 0, runs(durations)),
    ...(delay > 0 ? [fullBox("ctts", 0, 0, runs(offsets))] : []),
    fullBox("stss", 0, 0, u32(keys.length), numbers(keys)),
    fullBox("stsz", 0, 0, u32(0, samples.length), numbers(samples.map(({ bytes }) => bytes))),
    fullBox(
      "stsc",
      0,
      0,
      u32(chunks.length),
      numbers(chunks.flatMap((chunk, i) => [i + 1, chunk.samples.length, indices[i]!])),
    ),
  ];
  const sizes = chunks.map((chunk) => chunk.samples.reduce((sum, { bytes }) => sum + bytes, 0));
  const data = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const large = data + largeBytes / 2 > largeBytes;
  const times = movieTimesBox(samples) ?? Buffer.alloc(0);
  const head = (start: number) => {
    let at = start;
    const places = sizes.map((bytes) => {
      at += bytes;
      return at - bytes;
    });
    const table = large
      ? fullBox("co64", 0, 0, u32(places.length), u64(...places))
      : fullBox("stco", 0, 0, u32(places.length), numbers(places));
    const track = {
      width,
      height,
      orientation,
      description: entry,
      duration,
      startsAt: delay,
      samples: [...tables, table],
    };
    const mdat = Buffer.from("mdat", "latin1");
    const dataHead = large ? [u32(1), mdat, u64(data + 16)] : [u32(data + 8), mdat];
    return Buffer.concat([fileTypeBox, movieBox(track), times, ...dataHead]);
  };
  return head(head(0).length);
}

/** One `stsd` box for all chunks, and which entry is each chunk's, from 1. */
function descriptions(chunks: readonly MovieChunk[]): { entry: Buffer; indices: number[] } {
  const entries: Buffer[] = [];
  const indices = chunks.map(({ description }) => {
    const [inner] = boxesIn(description, 16);
    const entry = inner ? description.subarray(inner.at, inner.end) : Buffer.alloc(0);
    const known = entries.findIndex((each) => each.equals(entry));
    return known >= 0 ? known + 1 : entries.push(entry);
  });
  return { entry: fullBox("stsd", 0, 0, u32(entries.length), ...entries), indices };
}

/** Count of runs, and of each run its length and value. */
function runs(values: readonly number[]): Buffer {
  const found: number[] = [];
  for (const value of values) {
    if (found.length > 0 && found.at(-1) === value) found[found.length - 2]! += 1;
    else found.push(1, value);
  }
  return Buffer.concat([u32(found.length / 2), numbers(found)]);
}

/** As `u32`, for more values than a function takes. */
function numbers(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(4 * values.length);
  for (let i = 0; i < values.length; i++) buffer.writeUInt32BE(values[i]!, 4 * i);
  return buffer;
}
