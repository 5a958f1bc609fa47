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

/** What must be known about a stream's pictures to show them. */
export interface PictureFacts {
  /** The size as shown: upright, with square pixels. */
  readonly display: Size;
  /** Whether pictures are interlaced: two fields, taken at two moments. */
  readonly interlaced: boolean;
}

/** What ffmpeg says of a file's first video stream. */
export interface VideoFacts extends PictureFacts {
  /** The size of the stored pictures, but turned upright. */
  readonly stored: Size;
  /** Whether it is a still picture, not a video. */
  readonly still: boolean;
  /** How the filters turn a still picture upright; ffmpeg turns a video automatically. */
  readonly orientation: Orientation;
  /** Pictures per second, if known. */
  readonly fps: number | undefined;
  /** Length of the file, if known. */
  readonly seconds: number | undefined;
}

/** A picture that ffmpeg's `showinfo` reports has already passed the decoder and been turned by the display matrix. */
const picture = /^\[Parsed_showinfo_\d+ @ [^\n]* sar:(\d+)\/(\d+) s:(\d+)x(\d+) i:(.)/m;

/**
 * @param words ffmpeg's output when `showinfo` is its only filter; with an orientation other than 1, ffmpeg must not turn the picture
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
    // The pixel aspect of a still picture is meant for printing; viewers do not stretch it.
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
 * @param container the only format that the file may have, by ffmpeg's name; without it ffmpeg guesses
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
