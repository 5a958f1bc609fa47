import { ticksPerSecond } from "../coded-picture.ts";
import { boxesIn, mp4Box } from "./boxes.ts";

/** Marks the box of a movie that holds when its pictures are shown and were captured; players pass it over. */
const movieTimes = Buffer.from("5e2d8c17a40b4f6db3c9716f0ad25e83", "hex");
/** Steps in which capture times are counted from the first: 32 bits of them are days. */
const stepsPerMs = 10;

/**
 * When each picture is shown in the movie and when it was captured, in the order of showing: after the mark the earliest capture time in
 * milliseconds since 1970 (64-bit float), then of each picture the time in the movie in 1/90,000 s and the capture time after the earliest in
 * 0.1 ms (32 bits each). Undefined where these numbers do not hold them.
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

/** Reads the box from the beginning of a movie: of each picture the seconds at which it is shown and its capture time in milliseconds since 1970. */
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
  /** When it is shown and when it is decoded, in ticks. */
  pts: number;
  dts: number;
  /** Until the next is decoded. */
  duration: number;
  captureMs: number;
  bytes: number;
}

/** A sample and where its bytes are. */
export interface PlacedSample extends Sample {
  offset: number;
}
