import type { Size } from "../detection/letterbox.ts";

/**
 * The picture size of a file's first video stream as it is shown: ffmpeg turns what a display matrix says is on its side,
 * as telephones' videos are, before any filter.
 * @param words what `ffmpeg -i FILE` prints
 * @returns undefined when there is no video stream, or ffmpeg could not find its size
 */
export function pictureSize(words: string): Size | undefined {
  const [, stream = ""] = /^\s*Stream #[^\n]*?Video: (.*?)(?=^\s*Stream #|(?![\s\S]))/ms.exec(words) ?? [];
  const size = /[ ,](\d{2,5})x(\d{2,5})[ ,\n]/.exec(stream);
  if (!size) return undefined;
  const [width, height] = [Number(size[1]), Number(size[2])];
  const turn = Number(/displaymatrix: rotation of (-?[\d.]+) degrees/.exec(stream)?.[1] ?? 0);
  return Math.abs(Math.round(turn)) % 180 === 90 ? { width: height, height: width } : { width, height };
}
