/** A clip whose pictures bear their number, as a pattern of black and white that compression leaves legible. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";

const run = promisify(execFile);
/** Pictures of the cameras' clip, after which it begins again. */
export const pictures = 4_000;
const bits = 12;
/** Side of one square of the pattern, in pixels: a row of bits, and below it the same inverted. */
const square = 24;
export const [patternWidth, patternHeight] = [bits * square, 2 * square];
export const rate = 10;

/** Encodes the clip of the cameras: the bundled one again and again, with the number of each picture on it. */
export async function makeClip(ffmpeg: string, directory: string): Promise<string> {
  const file = join(directory, "numbered.mp4");
  const box = (x: number, y: number, colour: string, when?: string) =>
    `drawbox=x=${x}:y=${y}:w=${square}:h=${square}:color=${colour}:t=fill${when ? `:enable='${when}'` : ""}`;
  const boxes = Array.from({ length: bits }, (_, bit) => {
    const isSet = `eq(mod(floor(n/${2 ** bit}),2),1)`;
    const x = bit * square;
    return [
      box(x, 0, "black"),
      box(x, square, "white"),
      box(x, 0, "white", isSet),
      box(x, square, "black", isSet),
    ];
  });
  const source = ["-stream_loop", "-1", "-i", join(projectRoot, "test/fixtures/pedestrians.mp4")];
  const encode = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", String(2 * rate)];
  const filter = [...boxes.flat(), "format=yuv420p"].join(",");
  const args = ["-v", "error", ...source, "-vf", filter, "-frames:v", String(pictures), ...encode, file];
  await run(ffmpeg, args);
  return file;
}

/** The numbers on a clip's pictures in the order in which they are sent: B-frames come after a picture that is shown later. */
export async function sentOrder(ffmpeg: string, clip: string): Promise<number[]> {
  const { stdout } = await run(ffmpeg, ["-v", "error", "-i", clip, "-c", "copy", "-f", "framecrc", "-"]);
  const lines = stdout.split("\n").filter((line) => line.startsWith("0,"));
  const shownAt = lines.map((line) => Number(line.split(",")[2]));
  const rank = new Map([...shownAt].sort((a, b) => a - b).map((time, i) => [time, i]));
  return shownAt.map((time) => rank.get(time)!);
}

/** Reads the number of a picture from the luma of its pattern; undefined when it bears none. */
export function readPattern(luma: Uint8Array): number | undefined {
  const at = (bit: number, row: number) =>
    luma[(row * square + square / 2) * patternWidth + bit * square + square / 2]! > 128;
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    if (at(bit, 0) === at(bit, 1)) return undefined;
    if (at(bit, 0)) number += 2 ** bit;
  }
  return number;
}

/** The numbers of a video's pictures in the order in which they are shown, with their times in seconds. @throws when ffmpeg says anything */
export async function decode(
  ffmpeg: string,
  file: string,
): Promise<{ number: number | undefined; at: number }[]> {
  const crop = `crop=${patternWidth}:${patternHeight}:0:0,format=gray,showinfo=checksum=0`;
  const args = ["-v", "info", "-nostats", "-hide_banner", "-xerror", "-i", file, "-vf", crop];
  const { stdout, stderr } = await run(
    ffmpeg,
    [...args, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"],
    { encoding: "buffer", maxBuffer: 1e9 },
  );
  const times = [...stderr.toString().matchAll(/ pts_time:([\d.]+)/g)].map(([, time]) => Number(time));
  const size = patternWidth * patternHeight;
  return times.map((at, i) => ({ at, number: readPattern(stdout.subarray(i * size, (i + 1) * size)) }));
}

/** Pictures from one number to another, the shorter way around. */
export function distance(one: number, other: number): number {
  const off = Math.abs(one - other) % pictures;
  return Math.min(off, pictures - off);
}
