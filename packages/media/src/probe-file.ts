import { spawn } from "node:child_process";
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
  const input = ["-hide_banner", "-nostdin", "-nostats", "-i", `file:${path}`];
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
  return videoFacts(words);
}
