import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { displaySize } from "@sightline/media";

/** Where in its filters ffmpeg reports a picture. */
export type ReportPlace = "decoded" | "sampled";

/**
 * ffmpeg's arguments before its input: it writes a report that `FfmpegReportReader` reads, and outputs each picture as soon as its
 * packets are in.
 */
export const reportArguments: readonly string[] = [
  ...["-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+info", "-copyts"],
  // One thread: then each picture comes out as its packets go in, and one camera cannot take the processor from others.
  ...["-threads", "1", "-filter_threads", "1", "-flags", "low_delay"],
];

/** ffmpeg filters that report each picture that passes. */
export function pictureReport(place: ReportPlace): string {
  // Cameras put their own text into side data; it is removed so that it does not get into the report.
  return `sidedata=mode=delete,showinfo@${place}=checksum=0`;
}

/** What ffmpeg reports on stderr while it runs. Times are the stream's own, in microseconds; undefined if unknown. */
export type FfmpegReport =
  /** A compressed picture has arrived. */
  | { kind: "packet"; ptsUs: number | undefined; key: boolean }
  /** A picture came out of the decoder: its size as shown, with square pixels, and whether it is interlaced. */
  | { kind: "decoded"; ptsUs: number | undefined; width: number; height: number; interlaced: boolean }
  /** The picture decoded last passed the sampler. */
  | { kind: "sampled"; ptsUs: number | undefined }
  /** The video's codec, as ffmpeg names it. */
  | { kind: "codec"; codec: string }
  /** A line for people. */
  | { kind: "message"; text: string };

const picture =
  /^\[showinfo@(\w+) @ 0x[0-9a-f]+\] n: *\d+ pts: *(\S+) .* sar:(\d+)\/(\d+) s:(\d+)x(\d+) i:(.)/;
const timeBase = /^\[showinfo@\w+ @ 0x[0-9a-f]+\] config in time_base: (\d+)\/(\d+)/;
const codec = /^ {2}Stream #0:\d+.*: Video: (\w+)/;

/** Reads ffmpeg's stderr line by line: `-dump`'s five lines per packet, showinfo's lines per picture, and messages. */
export class FfmpegReportReader {
  readonly #report: (report: FfmpegReport) => void;
  #pending = "";
  #inPacket = false;
  #key = false;
  #codecKnown = false;
  /** Seconds of one unit of a picture's PTS. */
  #timeBase = Number.NaN;

  constructor(report: (report: FfmpegReport) => void) {
    this.#report = report;
  }

  /** Takes the next piece of output, split anywhere. */
  write(text: string): void {
    const lines = (this.#pending + text).split("\n");
    this.#pending = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Processes the remaining text when the output has ended. */
  end(): void {
    if (this.#pending !== "") this.#line(this.#pending);
    this.#pending = "";
  }

  #line(line: string): void {
    if (line.startsWith("stream #")) this.#inPacket = true;
    else if (this.#inPacket && line.startsWith("  ")) this.#packetLine(line);
    else if (line.startsWith("[showinfo@")) this.#pictureLine(line);
    else if (line !== "") this.#messageLine(line);
  }

  #packetLine(line: string): void {
    if (line.startsWith("  keyframe=")) this.#key = line.endsWith("1");
    else if (line.startsWith("  dts=")) {
      this.#inPacket = false;
      const pts = line.slice(line.indexOf("pts=", 6) + 4);
      this.#report({ kind: "packet", ptsUs: microseconds(Number(pts)), key: this.#key });
    }
  }

  #pictureLine(line: string): void {
    const match = picture.exec(line);
    if (match) {
      const [, place, pts, across, down, width, height, fields] = match;
      // `pts_time` in the same line has only six digits.
      const ptsUs = microseconds(Number(pts) * this.#timeBase);
      if (place === "sampled") this.#report({ kind: "sampled", ptsUs });
      else {
        const stored = { width: Number(width), height: Number(height) };
        const size = displaySize(stored, [Number(across), Number(down)]);
        this.#report({ kind: "decoded", ptsUs, ...size, interlaced: fields !== "P" });
      }
      return;
    }
    const base = timeBase.exec(line);
    if (base) this.#timeBase = Number(base[1]) / Number(base[2]);
  }

  #messageLine(line: string): void {
    // The last line of a packet; only the time before it was needed.
    if (line.startsWith("  size=")) return;
    const match = codec.exec(line);
    // The same line comes again for the output.
    if (match?.[1] !== undefined && !this.#codecKnown) {
      this.#codecKnown = true;
      this.#report({ kind: "codec", codec: match[1] });
    }
    this.#report({ kind: "message", text: line });
  }
}

function microseconds(seconds: number): number | undefined {
  return Number.isFinite(seconds) ? Math.round(seconds * 1e6) : undefined;
}

/** The ffmpeg to run: the configured one, else the one installed with the packages if its binary exists, else the one on the PATH. */
export async function findFfmpeg(configured: string | undefined): Promise<string> {
  if (configured !== undefined) return configured;
  try {
    // In a variable because the optional dependency may be missing, also for the type checker.
    const specifier = "ffmpeg-static";
    const { default: path } = (await import(specifier)) as { default: string | null };
    if (path !== null) {
      await access(path, constants.X_OK);
      return path;
    }
  } catch {
    // Not installed, or its download failed.
  }
  return "ffmpeg";
}
