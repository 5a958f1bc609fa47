import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runFfmpeg } from "@sightline/media";
import { readClip, readSound, type SoundClip, type VideoClip } from "@sightline/rtsp/testing";
import { ffmpegPath } from "./numbered-video.ts";

const run = promisify(execFile);
/** How much of a file's end is ignored. */
const endSeconds = 0.2;

export interface FlashOptions {
  seconds: number;
  codec?: "H264" | "H265";
  rate?: number;
  keyEvery?: number;
  /** Number of pictures between two reference pictures. */
  bFrames?: number;
  sampleRate?: number;
  channels?: number;
}

/** ffmpeg's arguments for a white picture during the first fifth of each second, except the very first. */
function flashInput({ seconds, rate = 25 }: FlashOptions): string[] {
  // Computed for a few pixels and then enlarged: ffmpeg evaluates the expression for each pixel.
  const brightness = `geq=lum='if(gte(T\\,1)*lt(mod(T\\,1)\\,0.19)\\,235\\,16)':cb=128:cr=128`;
  const video = `color=black:s=2x2:r=${rate}:d=${seconds},${brightness},scale=192:128:flags=neighbor,setsar=1`;
  return ["-f", "lavfi", "-i", video];
}

/** ffmpeg's arguments for a tone at the same times. */
function beepInput({ seconds }: FlashOptions): string[] {
  // Silenced by pieces of 10 ms, of which the tones have whole ones: an expression for each sample takes twice as long.
  const tone = `sine=frequency=1000:sample_rate=48000:samples_per_frame=480:duration=${seconds},volume=5.6`;
  const silence = `volume=0:enable='not(gte(t\\,0.995)*lt(mod(t\\,1)\\,0.195))'`;
  return ["-f", "lavfi", "-i", `${tone},${silence}`];
}

function videoEncoder({ codec = "H264", keyEvery = 25, bFrames = 0 }: FlashOptions): string[] {
  const encoder =
    codec === "H264" ? ["-c:v", "libx264"] : ["-c:v", "libx265", "-x265-params", "log-level=error"];
  const pictures = [
    "-pix_fmt",
    "yuv420p",
    "-g",
    String(keyEvery),
    "-bf",
    String(bFrames),
    "-sc_threshold",
    "0",
  ];
  return [...encoder, "-preset", "veryfast", ...pictures, "-threads", "1"];
}

/** A flashing picture, and a tone with each flash. */
export async function flashAndBeep(options: FlashOptions): Promise<{ video: VideoClip; sound: SoundClip }> {
  const directory = await mkdtemp(join(tmpdir(), "sightline-flash-"));
  try {
    const file = join(directory, "flash.mkv");
    await writeFlashAndBeep(file, options);
    const { codec = "H264", seconds } = options;
    const video = await readClip({ codec, seconds: seconds + 1, file });
    return { video, sound: await readSound(beepInput(options), options) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same as a file with AAC. */
export async function writeFlashAndBeep(file: string, options: FlashOptions): Promise<void> {
  const sound = ["-c:a", "aac", "-b:a", "64k", "-ac", String(options.channels ?? 1)];
  const rate = ["-ar", String(options.sampleRate ?? 48_000)];
  await runFfmpeg(ffmpegPath, [
    ...[
      "-loglevel",
      "error",
      "-y",
      ...flashInput(options),
      ...beepInput(options),
      ...videoEncoder(options),
      ...sound,
      ...rate,
      file,
    ],
  ]);
}

/** Start times of flashes and tones in a file, in seconds. */
export async function flashesAndBeeps(file: string): Promise<{ flashes: number[]; beeps: number[] }> {
  const { stderr } = await run(
    ffmpegPath,
    [
      ...["-hide_banner", "-nostdin", "-i", file],
      ...["-vf", "blackdetect=d=0.1:pix_th=0.4", "-af", "silencedetect=n=-20dB:d=0.1"],
      ...["-f", "null", "-"],
    ],
    { maxBuffer: 1e8 },
  );
  const [, hours = 0, minutes = 0, seconds = 0] = /Duration: (\d+):(\d+):([\d.]+)/.exec(stderr) ?? [];
  const duration = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  // At the file's end both are reported as ended.
  const times = (pattern: RegExp) =>
    [...stderr.matchAll(pattern)].map(([, at]) => Number(at)).filter((at) => at < duration - endSeconds);
  return { flashes: times(/black_end:([\d.]+)/g), beeps: times(/silence_end: ([\d.]+)/g) };
}

/** How much later each tone is heard than its flash is seen, in seconds; only for flashes with a tone. */
export function delays({
  flashes,
  beeps,
}: {
  flashes: readonly number[];
  beeps: readonly number[];
}): number[] {
  return flashes.flatMap((flash) => {
    const nearest = beeps.toSorted((a, b) => Math.abs(a - flash) - Math.abs(b - flash))[0];
    return nearest !== undefined && Math.abs(nearest - flash) < 0.5 ? [nearest - flash] : [];
  });
}

/** What ffprobe says about a file's sound; undefined without sound. */
export async function probedSound(
  file: string,
): Promise<{ codec: string; sampleRate: number; channels: number; packets: { pts: number }[] } | undefined> {
  const select = ["-select_streams", "a", "-show_streams", "-show_packets"];
  const { stdout } = await run(
    ffmpegPath.replace(/ffmpeg$/, "ffprobe"),
    ["-v", "error", "-of", "json", ...select, file],
    { maxBuffer: 1e8 },
  );
  const { streams, packets } = JSON.parse(stdout) as {
    streams: { codec_name: string; sample_rate: string; channels: number }[];
    packets: { pts_time: string }[];
  };
  const [stream] = streams;
  if (!stream) return undefined;
  return {
    ...{ codec: stream.codec_name, sampleRate: Number(stream.sample_rate), channels: stream.channels },
    packets: packets.map((each) => ({ pts: Number(each.pts_time) })),
  };
}
