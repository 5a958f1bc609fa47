/** Pictures, videos and live streams decoded by ffmpeg into the planar G, B, R bytes that a prepared model takes. */
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import {
  displayFilters,
  FfmpegRun,
  fileInput,
  isCutShort,
  type PictureFacts,
  piecesOf,
  probeFile,
  type VideoFacts,
} from "@sightline/media";
import { type Letterbox, PAD_VALUE, placeInFrame, type Size } from "../detection/letterbox.ts";
import { EvaluationError } from "../errors.ts";

/** One decoded frame, letterboxed. `index` counts from 0 within the source. */
export interface FileFrame extends Size {
  readonly index: number;
  /** The picture's file name, or the video's. */
  readonly name: string;
  /** G, B, R planes of `width` × `height` bytes. */
  readonly pixels: Uint8Array;
  /** How the source picture, as it is shown, lies in the model's input. */
  readonly letterbox: Letterbox;
  /** The size of the stored source picture; it differs where pixels are not square. */
  readonly stored: Size;
  /** Presentation time in microseconds; undefined unless requested. */
  readonly ptsUs?: number | undefined;
}

/** A stream that ffmpeg does not open by a path; only some of its frames are taken. */
export interface StreamSource {
  /** Name in frames and in errors: without user and password. */
  readonly name: string;
  /** Facts that a stream may not tell before its first key frame. */
  readonly facts: PictureFacts;
  /** ffmpeg's arguments up to and including the input. All users of the machine can read them. */
  readonly inputArguments: readonly string[];
  /** Writes ffmpeg's input to its stdin, which is private. */
  readonly feed: (stdin: Writable) => void;
  /** Frames to take. */
  readonly count: number;
  /** Shortest time between two of them, by the stream's clock. */
  readonly intervalSeconds: number;
}

/** A file whose picture facts are already known. */
export interface ProbedFile {
  readonly path: string;
  readonly facts: VideoFacts;
}

export interface ReadFramesOptions {
  /** Where a picture of some size goes in the model's input. */
  readonly letterbox: (source: Size) => Letterbox;
  /** Size of the frames to return, the middle of the input, if it is smaller. Default: the model's input. */
  readonly frame?: Size | undefined;
  /** Decode only every nth frame of a video. Default 1. */
  readonly every?: number | undefined;
  /** Give the frames their presentation times. Default false. */
  readonly times?: boolean | undefined;
  /** Program to run. Default: "ffmpeg" on the PATH. */
  readonly ffmpeg?: string | undefined;
  /** The only format that a file may have, by ffmpeg's name. Default: ffmpeg guesses, which a hostile file may exploit. */
  readonly container?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with each file of a folder that cannot be decoded, and with a video that gave only some of its frames; the rest is still read.
   * Without it the first failure ends the reading.
   */
  readonly onFailure?: ((error: EvaluationError) => void) | undefined;
}

const PICTURES = new Set([".jpg", ".jpeg", ".png", ".bmp", ".webp"]);

/**
 * Decode every picture of a folder, in the order of their names, every frame of one video or picture, or a number of frames of a stream.
 * Pictures are scaled as they are shown: whole, upright and with square pixels.
 * @throws EvaluationError `no_images` when there is nothing to decode, `image_missing` when a file cannot be decoded, `cut_short` when a
 * file ends before its time, `stream_ended` when a stream gave fewer frames than requested
 *
 * @example
 * ```ts
 * const size = { width: 64, height: 48 };
 * const letterbox = (source: Size) => computeLetterbox(source, size, size);
 * for await (const { pixels } of readFrames("test/fixtures/pedestrians.mp4", { letterbox, every: 100 }))
 *   assert.equal(pixels.length, 3 * 64 * 48);
 * ```
 */
export async function* readFrames(
  source: string | ProbedFile | StreamSource,
  options: ReadFramesOptions,
): AsyncGenerator<FileFrame> {
  let index = 0;
  const parts = typeof source === "string" ? await filesOf(source) : [source];
  for (const part of parts) {
    try {
      for await (const frame of decode(part, options)) yield { ...frame, index: index++ };
    } catch (error) {
      const isRest = index > 0 || parts.length > 1;
      if (!(error instanceof EvaluationError) || !options.onFailure || !isRest) throw error;
      options.onFailure(error);
    }
  }
  if (index === 0) {
    const name = typeof source === "string" ? source : "path" in source ? source.path : source.name;
    throw new EvaluationError("no_images", `${name} holds no picture or video frame.`);
  }
}

async function filesOf(path: string): Promise<string[]> {
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    info = await stat(path);
  } catch (cause) {
    throw new EvaluationError("image_missing", `There is no file or folder ${path}.`, { cause });
  }
  if (!info.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => PICTURES.has(extname(name).toLowerCase()));
  return names.sort().map((name) => join(path, name));
}

async function* decode(
  source: string | ProbedFile | StreamSource,
  options: ReadFramesOptions,
): AsyncGenerator<Omit<FileFrame, "index">> {
  const ffmpeg = options.ffmpeg ?? "ffmpeg";
  const stream = typeof source === "object" && "feed" in source ? source : undefined;
  const path = typeof source === "string" ? source : "path" in source ? source.path : undefined;
  const name = stream?.name ?? basename(path!);
  const facts = typeof source === "string" ? await factsOf(source, ffmpeg, options) : source.facts;
  const stored = "stored" in facts ? (facts as VideoFacts).stored : facts.display;
  const letterbox = options.letterbox(facts.display);
  const { width, height } = options.frame ?? letterbox.input;
  const placed = placeInFrame(letterbox, { width, height });
  const pad = PAD_VALUE.toString(16).repeat(3);
  const args = [
    ...(stream?.inputArguments ?? [
      ...["-hide_banner", "-loglevel", "error", "-nostdin"],
      ...fileInput(path!, facts as Partial<VideoFacts>, options.container),
    ]),
    ...["-map", "0:v:0", "-vf"],
    [
      ...displayFilters(facts),
      ...selection(stream, options.every ?? 1),
      ...(options.times ? timesFilters : []),
      `scale=${placed.width}:${placed.height}:flags=bilinear`,
      "format=gbrp",
      `pad=${width}:${height}:${placed.left}:${placed.top}:color=0x${pad}`,
    ].join(","),
    ...["-fps_mode", "passthrough"],
    ...(stream ? ["-frames:v", String(stream.count)] : []),
    ...["-f", "rawvideo", "-pix_fmt", "gbrp", "-"],
  ];
  const run = new FfmpegRun(ffmpeg, args, {
    pipes: ["stdin", "stdout", ...(options.times ? (["extra"] as const) : [])],
    signal: options.signal,
  });
  const times = options.times ? presentationTimes(run.extra) : undefined;
  if (stream) stream.feed(run.stdin);
  else run.stdin.end();
  try {
    let given = 0;
    let lastUs: number | undefined;
    for await (const pixels of piecesOf(run.stdout, 3 * width * height)) {
      const ptsUs = (await times?.next())?.value ?? undefined;
      yield { name, pixels, width, height, letterbox, stored, ptsUs };
      given += 1;
      lastUs = ptsUs;
    }
    options.signal?.throwIfAborted();
    const { code, words, notRun } = await run.ended;
    if (notRun) throw notRun;
    if (stream && given < stream.count) {
      // ffmpeg's own message could contain the address with its password.
      throw new EvaluationError(
        "stream_ended",
        `${name} ended after ${given} of ${stream.count} frames; see \`sightline camera probe\`.`,
      );
    }
    if (path !== undefined && (await isCutShort(path))) throw cutShort(path, given, lastUs);
    if (code !== 0) throw new EvaluationError("image_missing", `ffmpeg cannot decode ${name}: ${words}`);
  } finally {
    run.kill();
  }
}

/** Filters that write each frame's time, in microseconds, to file descriptor 3: `frame:0 pts:0 pts_time:0`. */
const timesFilters = [
  "settb=AVTB",
  "metadata=mode=add:key=time:value=1",
  "metadata=mode=print:file=pipe\\\\:3:direct=1",
];

async function* presentationTimes(output: Readable): AsyncGenerator<number, undefined> {
  for await (const line of createInterface({ input: output })) {
    const match = /^frame:\d+\s+pts:(-?\d+)/.exec(line);
    if (match) yield Number(match[1]);
  }
}

/** The filter that picks frames; none when all are taken. */
function selection(stream: StreamSource | undefined, every: number): string[] {
  if (stream) return [`select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,${stream.intervalSeconds})`];
  return every > 1 ? [`select=not(mod(n\\,${every}))`] : [];
}

/** What a file shows. @throws EvaluationError when ffmpeg gets no picture from it */
async function factsOf(
  path: string,
  ffmpeg: string,
  { signal, container }: Pick<ReadFramesOptions, "signal" | "container">,
): Promise<VideoFacts> {
  const facts = await probeFile(path, { ffmpeg, signal, container });
  if (facts) return facts;
  if (await isCutShort(path)) throw cutShort(path, 0);
  throw new EvaluationError("image_missing", `${path} is no picture or video that ffmpeg can read.`);
}

function cutShort(path: string, frames: number, lastUs?: number): EvaluationError {
  const read =
    frames === 0
      ? "nothing of it can be read"
      : `${frames} ${frames === 1 ? "frame was" : "frames were"} read`;
  const until = lastUs === undefined ? "" : `, the last at ${(lastUs / 1e6).toFixed(2)} s`;
  return new EvaluationError(
    "cut_short",
    `${path} is cut short: it ends before its last part is whole; ${read}${until}.`,
  );
}
