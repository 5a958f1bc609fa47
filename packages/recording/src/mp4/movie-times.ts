import { ticksPerSecond } from "../coded-picture.ts";
import { boxesIn, mp4Box } from "./boxes.ts";

/** Marks the box of a movie with the display and capture times of its pictures; players ignore it. */
const movieTimes = Buffer.from("5e2d8c17a40b4f6db3c9716f0ad25e83", "hex");
/** Resolution of capture times relative to the first: 32 bits cover several days. */
const stepsPerMs = 10;

/**
 * Display and capture time of each picture, in display order. After the mark comes the earliest capture time in milliseconds since 1970
 * (64-bit float); then for each picture its time in the movie in 1/90,000 s and its capture time after the earliest in 0.1 ms (32 bits each).
 * Undefined if a value is too large.
 */
export function movieTimesBox(samples: readonly Pick<Sample, "pts" | "captureMs">[]): Buffer | undefined {
  const shown = [...samples].sort((a, b) => a.pts - b.pts);
  const first = shown[0];
  if (!first) return undefined;
  const base = shown.reduce((least, { captureMs }) => Math.min(least, captureMs), first.captureMs);
  const head = Buffer.alloc(8);
  head.writeDoubleBE(base);
  const rows = Buffer.alloc(8 * shown.length);
  for (const [i, { pts, captureMs }] of shown.entries()) {
    const [ticks, steps] = [pts - first.pts, Math.round((captureMs - base) * stepsPerMs)];
    if (ticks >= 2 ** 32 || steps >= 2 ** 32) return undefined;
    rows.writeUInt32BE(steps, rows.writeUInt32BE(ticks, 8 * i));
  }
  return mp4Box("uuid", movieTimes, head, rows);
}

/** Reads the box from the start of a movie: for each picture its display time in seconds and its capture time in milliseconds since 1970. */
export function readMovieTimes(movie: Buffer): { seconds: number; captureMs: number }[] | undefined {
  const found = boxesIn(movie).find(
    ({ type, body }) => type === "uuid" && movie.subarray(body, body + movieTimes.length).equals(movieTimes),
  );
  if (!found) return undefined;
  const base = movie.readDoubleBE(found.body + movieTimes.length);
  const rows = movie.subarray(found.body + movieTimes.length + 8, found.end);
  return Array.from({ length: rows.length / 8 }, (_, i) => ({
    seconds: rows.readUInt32BE(8 * i) / ticksPerSecond,
    captureMs: base + rows.readUInt32BE(8 * i + 4) / stepsPerMs,
  }));
}

/** One picture in a file. */
export interface Sample {
  key: boolean;
  /** Display time and decoding time, in ticks. */
  pts: number;
  dts: number;
  /** Time until the next one is decoded. */
  duration: number;
  captureMs: number;
  bytes: number;
}

/** A sample with the position of its bytes. */
export interface PlacedSample extends Sample {
  offset: number;
}
