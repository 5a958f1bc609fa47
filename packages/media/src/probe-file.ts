import { fileInput } from "./display-filters.ts";
import { FfmpegRun } from "./ffmpeg/ffmpeg-run.ts";
import { type Orientation, orientationOf } from "./orientation.ts";
import { type VideoFacts, videoFacts } from "./video-facts.ts";

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
  const orientation = await orientationOf(path);
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
