import { spawn } from "node:child_process";
import { fileInput } from "./display-filters.ts";
import { type Orientation, orientationOf } from "./orientation.ts";
import { type VideoFacts, videoFacts } from "./video-facts.ts";

const mostWords = 100_000;

/**
 * Decodes a file's first picture to learn what it shows.
 * @param ffmpeg the program to run
 * @returns undefined when ffmpeg finds no picture in it
 * @throws the system's error when ffmpeg cannot be started, and an AbortError
 */
export async function probeFile(
  path: string,
  { ffmpeg, signal }: { readonly ffmpeg: string; readonly signal?: AbortSignal | undefined },
): Promise<VideoFacts | undefined> {
  const facts = videoFacts(await wordsAbout(path, 1, ffmpeg, signal));
  if (!facts?.still) return facts;
  const orientation = await orientationOf(path);
  return orientation === 1
    ? facts
    : videoFacts(await wordsAbout(path, orientation, ffmpeg, signal), orientation);
}

async function wordsAbout(
  path: string,
  orientation: Orientation,
  ffmpeg: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const input = ["-hide_banner", "-nostdin", "-nostats", ...fileInput(path, { orientation })];
  const output = ["-map", "0:v:0", "-frames:v", "1", "-vf", "showinfo=checksum=0", "-f", "null", "-"];
  const child = spawn(ffmpeg, [...input, ...output], {
    stdio: ["ignore", "ignore", "pipe"],
    ...(signal ? { signal } : {}),
  });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    words = (words + part).slice(0, mostWords);
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  return words;
}
