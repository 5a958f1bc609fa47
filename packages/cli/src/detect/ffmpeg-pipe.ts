import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { displayFilters, fileInput } from "@sightline/media";
import { MediaError, type MediaFile } from "./media-files.ts";

/** The frames of a file at the size at which they are shown, as interleaved R, G, B bytes. @throws MediaError when ffmpeg fails */
export async function* sourceFrames(
  media: MediaFile,
  ffmpeg: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const child = spawn(
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
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const ended = outcome(child, `decode ${media.path}`);
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  try {
    let pixels = new Uint8Array(3 * media.width * media.height);
    let filled = 0;
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      for (let offset = 0; offset < chunk.length; ) {
        const part = chunk.subarray(offset, offset + pixels.length - filled);
        pixels.set(part, filled);
        filled += part.length;
        offset += part.length;
        if (filled < pixels.length) continue;
        yield pixels;
        pixels = new Uint8Array(pixels.length);
        filled = 0;
      }
    }
    signal.throwIfAborted();
    await ended;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** Writes frames of interleaved R, G, B bytes as a picture or a video. */
export class FrameWriter {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(media: MediaFile, target: string, ffmpeg: string) {
    const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${media.width}x${media.height}`];
    const output =
      media.kind === "picture"
        ? ["-frames:v", "1", "-update", "1", "-q:v", "2"]
        : // H.264 in 4:2:0, which every player takes, wants even sides.
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
    this.child = spawn(
      ffmpeg,
      ["-hide_banner", "-loglevel", "error", ...input, ...rate, "-i", "-", ...output, "-y", `file:${target}`],
      { stdio: ["pipe", "ignore", "pipe"] },
    );
    this.ended = outcome(this.child, `write ${target}`);
    // A broken pipe is reported by the exit code, with ffmpeg's own words.
    this.child.stdin!.on("error", () => undefined);
  }

  /** Write one frame; waits while ffmpeg is behind. @throws MediaError when ffmpeg has failed */
  async write(pixels: Uint8Array): Promise<void> {
    const stdin = this.child.stdin!;
    if (stdin.write(pixels)) return;
    await Promise.race([once(stdin, "drain"), this.ended]);
  }

  /** Finish the file. @throws MediaError when ffmpeg has failed */
  async finish(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
  }

  /** Stop at once, leaving an unfinished file; does nothing after {@link finish}. */
  stop(): void {
    this.child.kill("SIGKILL");
  }
}

/** Settles when a child ends: rejects with its last words unless it ended well. */
function outcome(child: ChildProcess, task: string): Promise<void> {
  let words = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-2000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (cause) => reject(new MediaError(`ffmpeg cannot be run to ${task}`, { cause })));
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new MediaError(`ffmpeg could not ${task}: ${words.trim()}`)),
    );
  });
  ended.catch(() => undefined);
  return ended;
}
