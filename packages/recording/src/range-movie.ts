import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { displaySize, type Orientation } from "@sightline/media";
import { ticksPerSecond } from "./coded-picture.ts";
import { findBox } from "./mp4/boxes.ts";
import type { PlacedSample } from "./mp4/movie-times.ts";
import { type MovieChunk, progressiveMovieHead, type SoundChunk } from "./mp4/progressive-movie.ts";
import type { PlacedSound } from "./mp4/sound-track.ts";
import { readSegment, type SegmentContent } from "./read-segment.ts";
import type { RecordingFolder } from "./recording-folder.ts";
import type { Segment } from "./segment.ts";

/** A pause longer than this is shortened in a movie to a picture's usual time. */
const mostPauseTicks = 1 * ticksPerSecond;
const readBytes = 256 * 1024;

/** The part of a segment that is shown in the movie. */
interface Part {
  segment: Segment;
  description: Buffer;
  samples: readonly PlacedSample[];
  sound: SegmentContent["sound"];
  /** Offset between the segment's times and those of the first segment, in ticks. */
  shift: number;
  /** Start of its first picture and end of its last, in the first segment's times. */
  begins: number;
  ends: number;
  /** Whether it follows the part before without a pause. */
  joined: boolean;
}

/** Bytes of a segment's file that belong to the movie. */
interface Piece {
  segment: Segment;
  offset: number;
  bytes: number;
}

/**
 * A time range of a camera's recording as one MP4. Only the header is generated; pictures are read from the segments while the movie is
 * read.
 */
export class RangeMovie {
  /** Capture times of its first picture and of the end of its last, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly bytes: number;
  /** Equal for equal bytes. */
  readonly etag: string;
  readonly #folder: RecordingFolder;
  readonly #head: Buffer;
  readonly #pieces: readonly Piece[];

  private constructor(
    folder: RecordingFolder,
    head: Buffer,
    pieces: readonly Piece[],
    times: { fromMs: number; toMs: number },
  ) {
    this.#folder = folder;
    this.#head = head;
    this.#pieces = pieces;
    this.fromMs = times.fromMs;
    this.toMs = times.toMs;
    this.bytes = pieces.reduce((sum, { bytes }) => sum + bytes, head.length);
    const names = pieces.map(
      ({ segment: { camera, fromMs }, offset, bytes }) => `${camera} ${fromMs} ${offset} ${bytes}`,
    );
    this.etag = createHash("sha256").update(head).update(names.join()).digest("base64url").slice(0, 22);
  }

  /**
   * The movie of the recording in a range, starting with the key picture at or before the range's start; undefined when nothing is
   * recorded. It ends where the codec or the orientation changes. Pauses are left out. `sound`: whether it includes the recorded sound.
   */
  static async of(
    folder: RecordingFolder,
    camera: string,
    fromMs: number,
    toMs: number,
    { sound = true }: { sound?: boolean } = {},
  ): Promise<RangeMovie | undefined> {
    const parts: Part[] = [];
    const times = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY };
    const segments = folder.index.find(camera, fromMs, toMs).sort((a, b) => a.fromMs - b.fromMs);
    const codec = segments[0]?.codec;
    let size = { width: 0, height: 0 };
    let orientation: Orientation | undefined;
    let end: number | undefined;
    let lastDuration = 0;
    let shift = 0;
    for (const segment of segments) {
      if (segment.codec !== codec) break;
      const content = await readSegment(folder.pathOf(segment)).catch(() => undefined);
      const samples = content ? inRange(content.samples, fromMs, toMs, end === undefined) : [];
      const [first, last] = [samples[0], samples.at(-1)];
      if (!content || !first || !last) continue;
      const { description } = content;
      orientation ??= content.orientation;
      if (content.orientation !== orientation) break;
      if (end === undefined) size = shownSize(description, segment);
      // The segment's times, moved to follow the parts before.
      const [begins, ends] = shownBetween(samples);
      const step = end === undefined ? 0 : begins + shift - end;
      const most = Math.max(mostPauseTicks, 3 * lastDuration);
      const joined = end !== undefined && step > 0 && step <= most;
      if (end !== undefined && !joined) shift += lastDuration - step;
      times.fromMs = Math.min(times.fromMs, first.captureMs);
      times.toMs = Math.max(times.toMs, last.captureMs + (last.duration * 1000) / ticksPerSecond);
      lastDuration = last.duration;
      end = ends + shift;
      const shown = { shift, begins: begins + shift, ends: end + lastDuration, joined };
      parts.push({ segment, description, samples, sound: sound ? content.sound : undefined, ...shown });
    }
    if (orientation === undefined) return undefined;
    const soundRate = parts.find((part) => part.sound)?.sound;
    const { chunks, pieces } = soundRate ? withSound(parts, soundRate.sampleRate) : withoutSound(parts);
    const head = progressiveMovieHead(chunks, { ...size, orientation }, lastDuration, soundRate);
    return new RangeMovie(folder, head, pieces, times);
  }

  /** Bytes from `start` up to, without, `end`. @throws when a segment has been deleted in the meantime */
  async *read(start = 0, end = this.bytes): AsyncGenerator<Buffer> {
    if (start < this.#head.length) yield this.#head.subarray(start, Math.min(end, this.#head.length));
    let at = this.#head.length;
    let file: { segment: Segment; handle: FileHandle } | undefined;
    try {
      for (const { segment, offset, bytes } of this.#pieces) {
        const from = Math.max(start, at) - at;
        const to = Math.min(end, at + bytes) - at;
        at += bytes;
        if (from >= to) continue;
        if (file?.segment !== segment) {
          await file?.handle.close();
          file = undefined;
          file = { segment, handle: await this.#open(segment) };
        }
        for (let position = from; position < to; ) {
          const buffer = Buffer.allocUnsafe(Math.min(readBytes, to - position));
          const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, offset + position);
          if (bytesRead === 0) throw new Error("the recording file ends too early");
          position += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      }
    } finally {
      await file?.handle.close();
    }
  }

  /** A segment's file is renamed when the segment ends or an event needs it. */
  async #open(segment: Segment): Promise<FileHandle> {
    return open(this.#folder.pathOf(segment)).catch(async () => {
      await this.#folder.settled();
      return open(this.#folder.pathOf(segment));
    });
  }
}

function inRange(
  samples: readonly PlacedSample[],
  fromMs: number,
  toMs: number,
  first: boolean,
): PlacedSample[] {
  let end = samples.findIndex(({ captureMs }) => captureMs >= toMs);
  if (end < 0) end = samples.length;
  // Pictures that are shown before a picture in the range are included.
  const latest = samples
    .slice(0, end)
    .reduce((most, { pts }) => Math.max(most, pts), Number.NEGATIVE_INFINITY);
  while (end < samples.length && samples[end]!.pts < latest) end += 1;
  const before = samples.slice(0, end);
  if (!first) return before;
  const start = before.findLastIndex(({ key, captureMs }) => key && captureMs <= fromMs);
  return before.slice(Math.max(0, start));
}

/** Start and end of the display times of the samples. */
function shownBetween(samples: readonly PlacedSample[]): [number, number] {
  return samples.reduce<[number, number]>(
    ([first, last], { pts }) => [Math.min(first, pts), Math.max(last, pts)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** The order of the data in a movie, and where its bytes are. */
interface Layout {
  chunks: (MovieChunk | SoundChunk)[];
  pieces: Piece[];
}

function withoutSound(parts: readonly Part[]): Layout {
  return {
    chunks: parts.map(({ description, samples, shift }) => ({ description, samples: moved(samples, shift) })),
    pieces: parts.flatMap(({ segment, samples }) => piecesOf(segment, samples)),
  };
}

/** Pictures and sound in the order of the files; sound outside the movie's pictures is left out. */
function withSound(parts: readonly Part[], sampleRate: number): Layout {
  const layout: Layout = { chunks: [], pieces: [] };
  const start = Math.min(...parts.map(({ begins }) => begins));
  let heard = Number.NEGATIVE_INFINITY;
  for (const [i, part] of parts.entries()) {
    const { segment, samples, sound, shift, begins, ends, joined } = part;
    const scale = sampleRate / ticksPerSecond;
    const from = joined ? 0 : (begins - start) * scale;
    const to = parts[i + 1]?.joined ? Number.POSITIVE_INFINITY : (ends - start) * scale;
    const frames: PlacedSound[] = [];
    for (const frame of sound ? movedSound(sound, sampleRate, shift - start) : []) {
      if (frame.at < Math.max(from, heard) || frame.at >= to) continue;
      frames.push(frame);
      heard = frame.at + frame.duration / 2;
    }
    const pictures = moved(samples, shift);
    const runs = [
      ...runsOf(pictures).map((run) => ({ description: part.description, samples: run, bytes: run })),
      ...runsOf(frames).map((run) => ({ description: sound!.description, sound: run, bytes: run })),
    ].sort((a, b) => a.bytes[0]!.offset - b.bytes[0]!.offset);
    for (const { bytes, ...chunk } of runs) {
      layout.chunks.push(chunk);
      layout.pieces.push(...piecesOf(segment, bytes));
    }
  }
  return layout;
}

function moved(samples: readonly PlacedSample[], shift: number): PlacedSample[] {
  return samples.map((sample) => ({ ...sample, pts: sample.pts + shift }));
}

/** Converts frames to the movie's time (`shift` ticks from the file's) and to its sample rate. */
function movedSound(
  { sampleRate, samples }: NonNullable<Part["sound"]>,
  movieRate: number,
  shift: number,
): PlacedSound[] {
  const by = Math.round(shift * (movieRate / ticksPerSecond));
  const scale = movieRate / sampleRate;
  return samples.map((frame) => ({
    ...frame,
    at: (scale === 1 ? frame.at : Math.round(frame.at * scale)) + by,
    duration: Math.round(frame.duration * scale),
  }));
}

/** Groups samples that are consecutive in the file. */
function runsOf<T extends { offset: number; bytes: number }>(samples: readonly T[]): T[][] {
  const runs: T[][] = [];
  for (const sample of samples) {
    const before = runs.at(-1)?.at(-1);
    if (before && before.offset + before.bytes === sample.offset) runs.at(-1)!.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

function piecesOf(segment: Segment, samples: readonly { offset: number; bytes: number }[]): Piece[] {
  return runsOf(samples).map((run) => ({
    segment,
    offset: run[0]!.offset,
    bytes: run.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}

/** Display size of a track with this description. */
function shownSize(description: Buffer, { width, height }: Segment): { width: number; height: number } {
  const entry = findBox(description, ["avc1"], 16) ?? findBox(description, ["hvc1"], 16);
  const shape = entry && findBox(description, ["pasp"], entry.body + 78, entry.end);
  if (!shape) return { width, height };
  const [across, down] = [description.readUInt32BE(shape.body), description.readUInt32BE(shape.body + 4)];
  return displaySize({ width, height }, [across, down]);
}
