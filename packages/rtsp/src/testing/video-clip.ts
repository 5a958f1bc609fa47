import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { FfmpegRun } from "@sightline/media";
import { findFfmpeg } from "../ffmpeg-program.ts";

const bundled = fileURLToPath(new URL("../../../../test/fixtures/pedestrians.mp4", import.meta.url));

/** One coded picture. */
export interface VideoUnit {
  /** NAL units with start codes (Annex B). */
  data: Buffer;
  /** Seconds from the first unit's `dts`. */
  pts: number;
  dts: number;
}

/** Coded video to play in a loop. */
export interface VideoClip {
  codec: "H264" | "H265";
  units: readonly VideoUnit[];
  /** Seconds of one round. */
  duration: number;
}

export interface ClipOptions {
  codec?: "H264" | "H265";
  /** Encoder arguments of ffmpeg, for example for B-frames or another rate; default: the clip as it is. */
  encode?: readonly string[];
  /** Seconds of the clip to take. */
  seconds?: number;
  file?: string;
}

/** Reads a clip's coded pictures with their times, through ffmpeg. @throws when ffmpeg fails */
export async function readClip(options: ClipOptions = {}): Promise<VideoClip> {
  const { codec = "H264", encode = ["-c:v", "copy"], seconds = 20, file = bundled } = options;
  const filter = codec === "H264" ? "h264_mp4toannexb" : "hevc_mp4toannexb";
  const format = codec === "H264" ? "h264" : "hevc";
  // Encoded once for both outputs.
  const both = `[f=${format}:bsfs=${filter}]pipe:1|[f=framecrc:bsfs=${filter}]pipe:3`;
  const run = new FfmpegRun(
    await findFfmpeg(process.env.FFMPEG_PATH),
    [
      ...["-nostdin", "-loglevel", "error", "-i", file],
      ...["-map", "0:v:0", "-t", String(seconds), ...encode, "-f", "tee", both],
    ],
    { pipes: ["stdout", "extra"] },
  );
  const [{ data, words }, list] = await Promise.all([run.output(), text(run.extra)]);
  const units = cut(data, list);
  const last = units.at(-1);
  if (!last) throw new Error(`ffmpeg gave no video from ${file}: ${words}`);
  return { codec, units, duration: (last.dts * units.length) / Math.max(1, units.length - 1) };
}

/** Splits `data` by framecrc's lines `stream, dts, pts, duration, size, checksum`. */
function cut(data: Buffer, list: string): VideoUnit[] {
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/m.exec(list) ?? [];
  const second = Number(denominator) / Number(numerator);
  const lines = list.split("\n").filter((line) => /^\d/.test(line));
  const rows = lines.map((line) => line.split(",").map(Number));
  const origin = rows[0]?.[1] ?? 0;
  let position = 0;
  return rows.map(([, dts = 0, pts = 0, , size = 0]) => {
    const unit = data.subarray(position, position + size);
    position += size;
    return { data: unit, pts: (pts - origin) / second, dts: (dts - origin) / second };
  });
}

/** The NAL units of a coded picture, without start codes. */
export function clipNalUnits(data: Buffer): Buffer[] {
  const starts: number[] = [];
  for (
    let at = data.indexOf("\0\0\x01", 0, "latin1");
    at >= 0;
    at = data.indexOf("\0\0\x01", at + 3, "latin1")
  )
    starts.push(at + 3);
  return starts.map((start, i) => {
    let end = (starts[i + 1] ?? data.length + 3) - 3;
    // A start code of four bytes, or padding.
    while (end > start && i + 1 < starts.length && data[end - 1] === 0) end -= 1;
    return data.subarray(start, end);
  });
}

/** Whether a NAL unit is a parameter set; these also go into the description. */
export function isParameterSet(codec: VideoClip["codec"], nal: Buffer): boolean {
  const type = nalType(codec, nal);
  return codec === "H264" ? type === 7 || type === 8 : type >= 32 && type <= 34;
}

/** Whether a decoder can start at this picture. */
export function isKey(codec: VideoClip["codec"], unit: VideoUnit): boolean {
  return clipNalUnits(unit.data).some((nal) => {
    const type = nalType(codec, nal);
    return codec === "H264" ? type === 5 : type >= 16 && type <= 21;
  });
}

export function nalType(codec: VideoClip["codec"], nal: Buffer): number {
  const first = nal[0] ?? 0;
  return codec === "H264" ? first & 0x1f : (first >> 1) & 0x3f;
}
