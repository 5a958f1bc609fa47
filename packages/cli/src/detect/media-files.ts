import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { isCutShort, probeFile, type VideoFacts } from "@sightline/media";
import { CliError } from "../errors.ts";

const pictures = new Set([".jpg", ".jpeg", ".png", ".bmp", ".webp"]);
const videos = new Set([".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".ts"]);

/** A file whose name says that it is a picture or a video. */
export interface MediaPath {
  readonly path: string;
  readonly kind: "picture" | "video";
}

/** A picture or a video, with what ffmpeg says about its first video stream. */
export interface MediaFile extends MediaPath {
  readonly facts: VideoFacts;
  /** The display size. */
  readonly width: number;
  readonly height: number;
  /** Frames per second; undefined for a picture. */
  readonly fps: number | undefined;
  /** Expected number of frames; undefined when the file does not give its length. */
  readonly frames: number | undefined;
}

/**
 * The pictures and videos at a path: the file itself, or those directly in a folder, sorted by name.
 * @throws CliError when there are none
 */
export async function findMedia(path: string): Promise<MediaPath[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new CliError("not_found", `there is no file or folder ${path}`);
  const files = info.isDirectory()
    ? (await readdir(path))
        .filter((name) => isMedia(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  if (files.length === 0) throw new CliError("not_found", `${path} holds no picture or video`);
  return files.map((file) => ({ path: file, kind: isPicture(file) ? "picture" : "video" }));
}

function isMedia(name: string): boolean {
  return isPicture(name) || videos.has(extname(name).toLowerCase());
}

function isPicture(name: string): boolean {
  return pictures.has(extname(name).toLowerCase());
}

/** Opens a file to read its properties. @throws CliError when ffmpeg cannot read it */
export async function openMedia(media: MediaPath, ffmpeg: string, signal?: AbortSignal): Promise<MediaFile> {
  const { path, kind } = media;
  const facts = await probeFile(path, { ffmpeg, signal }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new CliError("program_failed", `'${ffmpeg}' cannot be run; install ffmpeg or set FFMPEG_PATH`, {
        cause: error,
      });
    throw error;
  });
  if (!facts) {
    const why = (await isCutShort(path))
      ? "is cut short: nothing of it can be read"
      : "is not a picture or video that ffmpeg can read";
    throw new CliError("input_unusable", `${path} ${why}`);
  }
  const { width, height } = facts.display;
  if (kind === "picture") return { ...media, facts, width, height, fps: undefined, frames: 1 };
  const { fps = 25, seconds } = facts;
  return { ...media, facts, width, height, fps, frames: seconds ? Math.round(seconds * fps) : undefined };
}
