import {
  displaySize,
  fileInput,
  imageOrientation,
  isOnItsSide,
  type Orientation,
  type PixelAspect,
  type Size,
} from "./display.ts";
import { FfmpegRun } from "./ffmpeg/ffmpeg-run.ts";

/** What must be known of a stream's pictures to show them. */
export interface PictureFacts {
  /** The size as it is shown: upright, with square pixels. */
  readonly display: Size;
  /** Whether pictures are of two fields, taken at two moments. */
  readonly interlaced: boolean;
}

/** What ffmpeg says of a file's first video stream. */
export interface VideoFacts extends PictureFacts {
  /** The size of the pictures as they are stored, but upright. */
  readonly stored: Size;
  /** Whether it is a picture and no video. */
  readonly still: boolean;
  /** How the filters turn a still picture to make it upright; ffmpeg turns a video by itself. */
  readonly orientation: Orientation;
  /** Pictures per second, if it says so. */
  readonly fps: number | undefined;
  /** Length of the file, if it says so. */
  readonly seconds: number | undefined;
}

/** A picture that ffmpeg's `showinfo` reports has passed its decoder, and lies as a display matrix wants it. */
const picture = /^\[Parsed_showinfo_\d+ @ [^\n]* sar:(\d+)\/(\d+) s:(\d+)x(\d+) i:(.)/m;

/**
 * @param words what ffmpeg prints when `showinfo` is its only filter, and, with an orientation other than 1, it turns nothing
 * @returns undefined when the file gave no picture
 */
export function videoFacts(words: string, orientation: Orientation = 1): VideoFacts | undefined {
  const shown = picture.exec(words);
  if (!shown) return undefined;
  const [across, down, width, height] = shown.slice(1, 5).map(Number) as [...PixelAspect, number, number];
  const stored = isOnItsSide(orientation) ? { width: height, height: width } : { width, height };
  const [line = ""] = /^ *Stream #\d[^\n]*: Video: [^\n]*/m.exec(words) ?? [];
  const still = /^Input #0, (?:image2|\w+_pipe),/m.test(words);
  const time = /^ {2}Duration: (\d+):(\d+):([\d.]+)/m.exec(words);
  return {
    // What a still picture says of its pixels is for printing it; no viewer stretches it.
    display: displaySize(stored, still ? [1, 1] : [across, down]),
    stored,
    interlaced: shown[5] !== "P" || /\b(?:top|bottom) (?:coded )?first\b/.test(line),
    still,
    orientation,
    fps: Number(/ ([\d.]+) fps\b/.exec(line)?.[1]) || undefined,
    seconds: time ? 3600 * Number(time[1]) + 60 * Number(time[2]) + Number(time[3]) : undefined,
  };
}

export interface ProbeFileOptions {
  readonly ffmpeg: string;
  readonly signal?: AbortSignal | undefined;
  readonly container?: string | undefined;
}

/**
 * Decodes a file's first picture to learn what it shows.
 * @param ffmpeg the program to run
 * @param container the only kind of file that it is read as, by ffmpeg's name; without it ffmpeg guesses
 * @returns undefined when ffmpeg finds no picture in it
 * @throws the system's error when ffmpeg cannot be started, and an AbortError
 */
export async function probeFile(path: string, how: ProbeFileOptions): Promise<VideoFacts | undefined> {
  const facts = videoFacts(await wordsAbout(path, 1, how));
  if (!facts?.still) return facts;
  const orientation = await imageOrientation(path);
  return orientation === 1 ? facts : videoFacts(await wordsAbout(path, orientation, how), orientation);
}

async function wordsAbout(
  path: string,
  orientation: Orientation,
  { ffmpeg, signal, container }: ProbeFileOptions,
): Promise<string> {
  const input = ["-hide_banner", "-nostdin", "-nostats", ...fileInput(path, { orientation }, container)];
  const output = ["-map", "0:v:0", "-frames:v", "1", "-vf", "showinfo=checksum=0", "-f", "null", "-"];
  const { words, notRun } = await new FfmpegRun(ffmpeg, [...input, ...output], { words: "first", signal })
    .ended;
  signal?.throwIfAborted();
  if (notRun) throw notRun;
  return words;
}
