import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { pictureSize } from "@sightline/yolo-nas";

const pictures = new Set([".jpg", ".jpeg", ".png", ".bmp", ".webp"]);
const videos = new Set([".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".ts"]);

/** A picture or a video, with what ffmpeg says about its first video stream. */
export interface MediaFile {
  readonly path: string;
  readonly kind: "picture" | "video";
  readonly width: number;
  readonly height: number;
  /** Frames per second; undefined for a picture. */
  readonly fps: number | undefined;
  /** Expected number of frames; undefined when the file does not say how long it is. */
  readonly frames: number | undefined;
}

/** A path that holds nothing to detect on. */
export class MediaError extends Error {
  override readonly name = "MediaError";
}

/**
 * The pictures and videos at a path: the file itself, or those directly in a folder, by name.
 * @throws MediaError when there is none, or ffmpeg cannot read one
 */
export async function findMedia(path: string, ffmpeg: string): Promise<MediaFile[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new MediaError(`there is no file or folder ${path}`);
  const files = info.isDirectory()
    ? (await readdir(path))
        .filter((name) => isMedia(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  if (files.length === 0) throw new MediaError(`${path} holds no picture or video`);
  return Promise.all(files.map((file) => probe(file, ffmpeg)));
}

function isMedia(name: string): boolean {
  const extension = extname(name).toLowerCase();
  return pictures.has(extension) || videos.has(extension);
}

async function probe(path: string, ffmpeg: string): Promise<MediaFile> {
  const text = await describe(path, ffmpeg);
  const size = pictureSize(text);
  if (!size) throw new MediaError(`${path} is no picture or video that ffmpeg can read`);
  const { width, height } = size;
  if (pictures.has(extname(path).toLowerCase())) {
    return { path, kind: "picture", width, height, fps: undefined, frames: 1 };
  }
  const fps = Number(/([\d.]+) fps/.exec(text)?.[1] ?? 25);
  const time = /Duration: (\d+):(\d+):([\d.]+)/.exec(text);
  const seconds = time && 3600 * Number(time[1]) + 60 * Number(time[2]) + Number(time[3]);
  return { path, kind: "video", width, height, fps, frames: seconds ? Math.round(seconds * fps) : undefined };
}

/** What ffmpeg prints about a file. Without an output it always exits with an error, which says nothing. */
function describe(path: string, ffmpeg: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(ffmpeg, ["-hide_banner", "-nostdin", "-i", `file:${path}`], (error, _, stderr) => {
      if (error?.code === "ENOENT")
        reject(new MediaError(`'${ffmpeg}' cannot be run; install ffmpeg or set FFMPEG_PATH`));
      else resolve(stderr);
    });
  });
}
