import { spawn } from "node:child_process";
import { CameraReason } from "@sightline/contracts";
import { type CameraFault, describeReason } from "./camera-fault.ts";
import { inputArguments, inputScript } from "./ffmpeg-input.ts";
import { FfmpegReportReader, pictureReport } from "./ffmpeg-report.ts";
import { frameRate } from "./frame-rate.ts";
import type { RtspTarget } from "./rtsp-url.ts";

/** What came of receiving a camera for a moment. */
export type Reception =
  | {
      ok: true;
      codec: string;
      width: number;
      height: number;
      framesPerSecond: number | undefined;
      firstPictureMs: number;
      /** The first picture, when it was asked for and came. */
      jpeg: Uint8Array | undefined;
    }
  | ({ ok: false } & CameraFault);

export interface ReceiveOptions {
  ffmpeg: string;
  transport: "tcp" | "udp";
  /** Pictures to receive. */
  pictures?: number;
  /** Also give the first picture as JPEG, at most so many pixels wide. */
  jpegWidth?: number;
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface Seen {
  codec: string;
  packets: number;
  keyFrame: boolean;
  size: { width: number; height: number };
  /** Stream time of each picture, in microseconds. */
  times: number[];
  pictures: number;
  firstPictureMs: number;
  jpeg: Buffer[];
  jpegBytes: number;
}

const mostJpegBytes = 4 * 1024 * 1024;

/** Receives and decodes a few pictures with ffmpeg, to prove that a key frame comes and can be decoded. */
export async function receive(target: RtspTarget, options: ReceiveOptions): Promise<Reception> {
  const { ffmpeg, transport, pictures = 8, timeoutMs = 10_000, signal } = options;
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const seen: Seen = {
    codec: "",
    packets: 0,
    keyFrame: false,
    size: { width: 0, height: 0 },
    times: [],
    pictures: 0,
    firstPictureMs: 0,
    jpeg: [],
    jpegBytes: 0,
  };
  const child = spawn(ffmpeg, [...inputArguments, ...outputArguments(pictures, options.jpegWidth)]);
  const reader = new FfmpegReportReader((report) => {
    if (report.kind === "codec") seen.codec = report.codec;
    else if (report.kind === "packet") {
      seen.packets += 1;
      seen.keyFrame ||= report.key;
    } else if (report.kind === "decoded") {
      if (seen.pictures === 0) seen.firstPictureMs = performance.now() - startedAt;
      seen.pictures += 1;
      seen.size = { width: report.width, height: report.height };
      if (report.ptsUs !== undefined) seen.times.push(report.ptsUs);
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => reader.write(text));
  child.stdin
    .on("error", () => undefined)
    .end(inputScript({ uri: target.uri, credentials: target.credentials, transport, timeoutMs }));
  const kill = () => child.kill("SIGKILL");
  child.stdout.on("data", (piece: Buffer) => {
    seen.jpegBytes += piece.byteLength;
    if (seen.jpegBytes > mostJpegBytes) kill();
    else seen.jpeg.push(piece);
  });
  const timer = setTimeout(kill, timeoutMs);
  signal?.addEventListener("abort", kill);
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once("error", resolve).once("close", () => resolve(undefined));
  });
  clearTimeout(timer);
  signal?.removeEventListener("abort", kill);
  signal?.throwIfAborted();
  if (failure)
    return { ok: false, ...describeReason(CameraReason.INTERNAL, `ffmpeg cannot run: ${failure.message}`) };
  return outcome(seen);
}

function outputArguments(pictures: number, jpegWidth: number | undefined): string[] {
  const video = ["-map", "0:v:0"];
  const report = [
    ...video,
    "-vf",
    pictureReport("decoded"),
    "-frames:v",
    String(pictures),
    "-f",
    "null",
    "-",
  ];
  if (jpegWidth === undefined) return report;
  const filters = `scale='min(${Math.round(jpegWidth)},iw)':-2:out_range=full,format=yuvj420p`;
  return [
    ...report,
    ...[...video, "-vf", filters, "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4"],
    ...["-f", "image2pipe", "-flush_packets", "1", "pipe:1"],
  ];
}

/** The bytes of a JPEG that has its end; undefined for one cut short. */
function wholeJpeg(pieces: readonly Buffer[]): Uint8Array | undefined {
  const jpeg = Buffer.concat(pieces);
  return jpeg.length > 4 && jpeg.readUInt16BE(jpeg.length - 2) === 0xffd9 ? jpeg : undefined;
}

function outcome(seen: Seen): Reception {
  const { codec, size, times, firstPictureMs } = seen;
  if (seen.pictures > 0) {
    const framesPerSecond = frameRate(times);
    return { ok: true, codec, ...size, framesPerSecond, firstPictureMs, jpeg: wholeJpeg(seen.jpeg) };
  }
  if (seen.keyFrame) return { ok: false, ...describeReason(CameraReason.DECODE_FAILURE) };
  if (seen.packets > 1) return { ok: false, ...describeReason(CameraReason.NO_KEY_FRAME) };
  return { ok: false, ...describeReason(CameraReason.STALLED) };
}
