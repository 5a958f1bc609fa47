import type { Writable } from "node:stream";
import { CameraReason } from "@sightline/contracts";
import { type FfmpegProgram, FfmpegRun } from "@sightline/media";
import { type CameraFaultError, faultError } from "../camera-fault.ts";
import type { CodedFrame } from "../frames/frame-assembler.ts";
import type { PictureCodec } from "../frames/ivf.ts";
import { nalKind } from "../frames/nal-units.ts";
import type { CameraOffer } from "../session/sdp.ts";

const codecs: Readonly<Record<string, PictureCodec>> = { h264: "H264", hevc: "H265", mjpeg: "JPEG" };
const formats: Readonly<Record<PictureCodec, readonly string[]>> = {
  H264: ["-bsf:v", "h264_mp4toannexb", "-f", "h264"],
  H265: ["-bsf:v", "hevc_mp4toannexb", "-f", "hevc"],
  JPEG: ["-f", "mjpeg"],
};
/** Finer than the time between any two pictures of a camera. */
export const demuxerTicksPerSecond = 1e6;

/** The contents of a file or stream that ffmpeg demuxes. */
export interface Contents {
  codec: PictureCodec;
  offer: CameraOffer;
}

/**
 * Asks ffmpeg which video its input has; `bytes` are written to its stdin.
 * @throws CameraFaultError when it has none, or one that cannot be played here
 */
export async function contentsOf(
  ffmpeg: FfmpegProgram,
  input: readonly string[],
  videoTrack: number,
  signal: AbortSignal,
  bytes?: Buffer,
): Promise<Contents> {
  const run = new FfmpegRun(ffmpeg, ["-hide_banner", "-nostdin", ...input], {
    pipes: ["stdin"],
    words: "first",
    signal,
  });
  run.stdin.end(bytes);
  const { words, notRun } = await run.ended;
  if (signal.aborted) throw faultError(CameraReason.UNREACHABLE, "it did not arrive in time");
  if (notRun) throw faultError(CameraReason.INTERNAL, "ffmpeg cannot run");
  const tracks = [...words.matchAll(/^ *Stream #0:\d+[^\n]*: Video: (\w+)([^\n]*)/gm)].filter(
    ([line]) => !line.includes("(attached pic)"),
  );
  if (tracks.length === 0) throw faultError(CameraReason.NO_VIDEO);
  const track = tracks[Math.max(1, videoTrack) - 1];
  if (!track)
    throw faultError(
      CameraReason.NO_VIDEO,
      `video track ${videoTrack} was requested, but it has ${tracks.length}`,
    );
  const [, name = "", rest = ""] = track;
  const codec = codecs[name];
  if (!codec) throw faultError(CameraReason.UNSUPPORTED_CODEC, name.slice(0, 32));
  const [, width, height] = /, (\d+)x(\d+)/.exec(rest) ?? [];
  const fps = / ([\d.]+) fps\b/.exec(rest)?.[1];
  const video = {
    codec,
    width: width === undefined ? undefined : Number(width),
    height: height === undefined ? undefined : Number(height),
    framesPerSecond: fps === undefined ? undefined : Number(fps),
  };
  return { codec, offer: { video, videoTracks: tracks.length } };
}

/** An ffmpeg that demuxes a container and gives its coded pictures one by one, in real time. */
export class Demuxer {
  /** Undefined at the input's end, or when `stop` ended it. */
  readonly ended: Promise<CameraFaultError | undefined>;
  readonly #run: FfmpegRun;
  readonly #codec: PictureCodec;
  readonly #emit: (picture: CodedFrame) => void;
  #data: Buffer[] = [];
  #dataBytes = 0;
  #lines = "";
  readonly #sizes: { bytes: number; ticks: number }[] = [];
  #secondsPerUnit = Number.NaN;
  #first: number | undefined;
  #stopped = false;

  constructor(
    ffmpeg: FfmpegProgram,
    input: readonly string[],
    { codec, videoTrack }: { codec: PictureCodec; videoTrack: number },
    emit: (picture: CodedFrame) => void,
  ) {
    this.#codec = codec;
    this.#emit = emit;
    const output = [
      "-map",
      `0:V:${Math.max(1, videoTrack) - 1}`,
      "-c",
      "copy",
      ...formats[codec].slice(0, -2),
    ];
    const flushed = ["-flush_packets", "1", "-f"];
    const args = [
      ...["-hide_banner", "-nostdin", "-loglevel", "error", "-re", ...input],
      ...[...output, ...flushed, formats[codec].at(-1)!, "pipe:1"],
      // Reports the size of each picture and its time.
      ...[...output, ...flushed, "framecrc", "pipe:3"],
    ];
    this.#run = new FfmpegRun(ffmpeg, args, { pipes: ["stdin", "stdout", "extra"] });
    this.#run.stdout.on("data", (chunk: Buffer) => {
      this.#data.push(chunk);
      this.#dataBytes += chunk.length;
      this.#match();
    });
    this.#run.extra.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#lines + text).split("\n");
      this.#lines = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
      this.#match();
    });
    this.ended = this.#run.ended.then(({ code, notRun }) => {
      if (this.#stopped || code === 0) return undefined;
      return notRun
        ? faultError(CameraReason.INTERNAL, "ffmpeg cannot run")
        : faultError(CameraReason.PROTOCOL_ERROR, "its video cannot be split into pictures");
    });
  }

  /** Takes the container's bytes, if the input is `pipe:0`. */
  get stdin(): Writable {
    return this.#run.stdin;
  }

  pause(): void {
    this.#run.stdout.pause();
  }

  resume(): void {
    this.#run.stdout.resume();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#run.kill();
    this.resume();
    await this.ended;
  }

  /** framecrc: `#tb 0: 1/90000`, then `stream, dts, pts, duration, size, checksum` for each picture. */
  #line(line: string): void {
    const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
    if (denominator !== undefined) this.#secondsPerUnit = Number(numerator) / Number(denominator);
    if (!/^\d/.test(line)) return;
    const [, dts, pts, , bytes = 0] = line.split(",").map(Number);
    const units = Number.isFinite(pts) ? pts! : (dts ?? 0);
    this.#first ??= units;
    const ticks = Math.round((units - this.#first) * this.#secondsPerUnit * demuxerTicksPerSecond);
    this.#sizes.push({ bytes, ticks });
  }

  /** Data and sizes come through two pipes; a picture is complete when both have arrived. */
  #match(): void {
    for (let next = this.#sizes[0]; next && next.bytes <= this.#dataBytes; next = this.#sizes[0]) {
      this.#sizes.shift();
      const all = this.#data.length === 1 ? this.#data[0]! : Buffer.concat(this.#data);
      const data = all.subarray(0, next.bytes);
      this.#data = [all.subarray(next.bytes)];
      this.#dataBytes -= next.bytes;
      if (this.#stopped || data.length === 0) continue;
      const key = isKey(this.#codec, data);
      const orientation = key ? 1 : undefined;
      this.#emit({ data, ticks: next.ticks, key, orientation, arrivedAt: performance.now() });
    }
  }
}

/** Whether a decoder can start at this picture (Annex B). */
function isKey(codec: PictureCodec, data: Buffer): boolean {
  if (codec === "JPEG") return true;
  const headerBytes = codec === "H264" ? 1 : 2;
  for (
    let at = data.indexOf("\0\0\x01", 0, "latin1");
    at >= 0;
    at = data.indexOf("\0\0\x01", at + 3, "latin1")
  ) {
    const header = data.subarray(at + 3, at + 3 + headerBytes);
    if (header.length < headerBytes) return false;
    const kind = nalKind(codec, header, data.subarray(at + 3 + headerBytes, at + 1024));
    if (kind.key) return true;
    if (kind.picture) return false;
  }
  return false;
}
