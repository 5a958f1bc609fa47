import { once } from "node:events";
import { displayFilters, FfmpegRun, fileInput, piecesOf } from "@sightline/media";
import { CliError } from "../errors.ts";
import type { MediaFile } from "./media-files.ts";

/** The frames of a file at their display size, as interleaved R, G, B bytes. @throws CliError when ffmpeg fails */
export async function* sourceFrames(
  media: MediaFile,
  ffmpeg: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const run = new FfmpegRun(
    ffmpeg,
    [
      ...[
        "-hide_banner",
        "-loglevel",
        "error",
        "-nostdin",
        ...fileInput(media.path, media.facts),
        "-map",
        "0:v:0",
      ],
      ...[
        "-vf",
        [...displayFilters(media.facts), `scale=${media.width}:${media.height}`, "setsar=1"].join(","),
      ],
      ...["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
    ],
    { pipes: ["stdout"], signal },
  );
  const ended = outcome(run, `decode ${media.path}`);
  try {
    yield* piecesOf(run.stdout, 3 * media.width * media.height);
    signal.throwIfAborted();
    await ended;
  } finally {
    run.kill();
  }
}

/** Writes frames of interleaved R, G, B bytes as a picture or a video. */
export class FrameWriter {
  private readonly run: FfmpegRun;
  private readonly ended: Promise<void>;

  constructor(media: MediaFile, target: string, ffmpeg: string) {
    const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${media.width}x${media.height}`];
    const output =
      media.kind === "picture"
        ? ["-frames:v", "1", "-update", "1", "-q:v", "2"]
        : // H.264 in 4:2:0, which every player supports, needs even sides.
          [
            "-vf",
            "pad=ceil(iw/2)*2:ceil(ih/2)*2",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-pix_fmt",
            "yuv420p",
          ];
    const rate = media.fps === undefined ? [] : ["-r", String(media.fps)];
    this.run = new FfmpegRun(
      ffmpeg,
      ["-hide_banner", "-loglevel", "error", ...input, ...rate, "-i", "-", ...output, "-y", `file:${target}`],
      { pipes: ["stdin"] },
    );
    this.ended = outcome(this.run, `write ${target}`);
  }

  /** Write one frame; waits while ffmpeg is behind. @throws CliError when ffmpeg has failed */
  async write(pixels: Uint8Array): Promise<void> {
    const stdin = this.run.stdin;
    if (stdin.write(pixels)) return;
    await Promise.race([once(stdin, "drain"), this.ended]);
  }

  /** Finish the file. @throws CliError when ffmpeg has failed */
  async finish(): Promise<void> {
    this.run.stdin.end();
    await this.ended;
  }

  /** Stop at once, leaving an unfinished file; does nothing after {@link finish}. */
  stop(): void {
    this.run.kill();
  }
}

/** Settles when ffmpeg ends: rejects with its last words if it failed. */
function outcome(run: FfmpegRun, task: string): Promise<void> {
  const ended = run.ended.then(({ code, words, notRun }) => {
    if (notRun) throw new CliError("program_failed", `ffmpeg cannot be run to ${task}`, { cause: notRun });
    if (code !== 0) throw new CliError("program_failed", `ffmpeg could not ${task}: ${words.trim()}`);
  });
  ended.catch(() => undefined);
  return ended;
}
