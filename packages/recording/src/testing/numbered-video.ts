import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runFfmpeg } from "@sightline/media";
import { readClip, type VideoClip } from "@sightline/rtsp/testing";
import type { CodedPicture } from "../coded-picture.ts";

export const ffmpegPath = process.env.FFMPEG_PATH ?? "ffmpeg";
const run = promisify(execFile);
const bits = 12;
const usualSeconds = 4;

export interface NumberedOptions {
  codec?: "H264" | "H265";
  /** Default: 4. */
  seconds?: number;
  /** Frames per second of the source; also the number of pictures between key pictures. */
  rate?: number;
  keyEvery?: number;
  size?: readonly [width: number, height: number];
  /** More arguments for the encoder, and a filter after the numbers. */
  encode?: readonly string[];
  filter?: string;
}

/** Short ones that were made in this process, by their options. */
const made = new Map<string, Promise<VideoClip>>();
const longestKept = 4;

/**
 * Video whose pictures show their number as black and white stripes, counted from 0 in display order. The same options may give the same
 * object, so it is not to be changed.
 */
export function numberedVideo(options: NumberedOptions = {}): Promise<VideoClip> {
  const key = JSON.stringify(options);
  const known = made.get(key);
  if (known) return known;
  const video = encoded(options);
  if ((options.seconds ?? usualSeconds) <= longestKept) made.set(key, video);
  return video;
}

async function encoded(options: NumberedOptions): Promise<VideoClip> {
  const {
    codec = "H264",
    seconds = usualSeconds,
    rate = 25,
    keyEvery = 25,
    size = [384, 128],
    encode = [],
    filter,
  } = options;
  const directory = await mkdtemp(join(tmpdir(), "sightline-numbered-"));
  try {
    const file = join(directory, "numbers.mkv");
    const [width, height] = size;
    const stripes = `geq=lum='16+219*mod(floor(N/pow(2,X)),2)':cb=128:cr=128`;
    const filters = [`color=s=${bits}x2:r=${rate}:d=${seconds}`, "format=yuv420p", stripes];
    await runFfmpeg(ffmpegPath, [
      ...["-loglevel", "error", "-f", "lavfi", "-i", filters.join(",")],
      ...["-fps_mode", "passthrough", "-c:v", "ffv1", file],
    ]);
    // Enlarged while encoding: a source file with large pictures would take longer than everything else.
    const enlarged = [`scale=${width}:${height}:flags=neighbor,setsar=1`, ...(filter ? [filter] : [])];
    const encoder =
      codec === "H264"
        ? ["-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0"]
        : [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            `log-level=error:scenecut=0:keyint=${keyEvery}`,
          ];
    const args = [
      "-vf",
      enlarged.join(","),
      ...encoder,
      "-g",
      String(keyEvery),
      "-threads",
      "1",
      "-fps_mode",
      "passthrough",
      ...encode,
    ];
    return await readClip({ codec, seconds: seconds + 1, file, encode: args });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A clip's pictures as a camera sends them that starts at a given time; `index` is in sending order. */
export function sentPictures(
  { codec, units }: VideoClip,
  { startMs = 1_764_000_000_000, startPtsUs = 0 }: { startMs?: number; startPtsUs?: number } = {},
): CodedPicture[] {
  return units.map(({ data, pts, dts }) => ({
    data,
    key: isKey(codec, data),
    ptsUs: startPtsUs + Math.round(pts * 1e6),
    arrivedAt: startMs - 1_763_000_000_000 + dts * 1000,
    captureMs: startMs + dts * 1000,
  }));
}

function isKey(codec: VideoClip["codec"], data: Buffer): boolean {
  for (
    let at = data.indexOf("\0\0\x01", 0, "latin1");
    at >= 0;
    at = data.indexOf("\0\0\x01", at + 3, "latin1")
  ) {
    const first = data[at + 3] ?? 0;
    const type = codec === "H264" ? first & 0x1f : (first >> 1) & 0x3f;
    // In a stream without IDR pictures, a recovery point shows where a decoder can start.
    if (codec === "H264" ? type === 5 || (type === 6 && data[at + 4] === 6) : type >= 16 && type <= 21)
      return true;
  }
  return false;
}

/** The numbers that the pictures of a file show, in display order. */
export async function shownNumbers(file: string): Promise<number[]> {
  const scale = `scale=${bits}:1:flags=area,format=gray`;
  const stdout = await runFfmpeg(ffmpegPath, [
    ...[
      "-loglevel",
      "error",
      "-i",
      file,
      "-vf",
      scale,
      "-fps_mode",
      "passthrough",
      "-f",
      "rawvideo",
      "pipe:1",
    ],
  ]);
  return Array.from({ length: stdout.length / bits }, (_, i) =>
    stdout
      .subarray(i * bits, (i + 1) * bits)
      .reduce((sum, value, bit) => sum + (value > 127 ? 2 ** bit : 0), 0),
  );
}

/** What ffprobe says about a file: its complaints, and each packet's times in seconds. */
export async function probed(file: string): Promise<{
  complaints: string;
  packets: { pts: number; dts: number; key: boolean }[];
  duration: number;
  width: number;
  height: number;
  codec: string;
}> {
  const { stdout, stderr } = await run(
    ffmpegPath.replace(/ffmpeg$/, "ffprobe"),
    ["-v", "warning", "-of", "json", "-show_packets", "-show_format", "-show_streams", file],
    { maxBuffer: 1e8 },
  );
  const { packets, format, streams } = JSON.parse(stdout) as {
    packets: { pts_time: string; dts_time: string; flags: string }[];
    format: { duration: string };
    streams: { width: number; height: number; codec_name: string }[];
  };
  return {
    complaints: stderr,
    packets: packets.map((each) => ({
      pts: Number(each.pts_time),
      dts: Number(each.dts_time),
      key: each.flags.startsWith("K"),
    })),
    duration: Number(format.duration),
    width: streams[0]!.width,
    height: streams[0]!.height,
    codec: streams[0]!.codec_name,
  };
}
