import { CameraReason } from "@sightline/contracts";
import { displayExpressions, type FfmpegProgram, FfmpegRun } from "@sightline/media";
import { type CameraAccess, defaultAccess } from "./address/camera-networks.ts";
import type { CameraTarget } from "./address/camera-url.ts";
import { type CameraFault, CameraFaultError, describeReason } from "./camera-fault.ts";
import { CameraStream } from "./camera-stream.ts";
import { FfmpegReportReader, pictureReport } from "./ffmpeg-program.ts";
import { cameraFrameRate } from "./frame-rate.ts";
import type { TransportChoice } from "./session/camera-session.ts";
import type { CameraOffer } from "./session/sdp.ts";

/** Result of receiving a camera for a short time. */
export type Reception =
  | {
      ok: true;
      offer: CameraOffer;
      codec: string;
      /** The picture's size as shown, with square pixels. */
      width: number;
      height: number;
      /** Whether pictures are interlaced. */
      interlaced: boolean;
      framesPerSecond: number | undefined;
      firstPictureMs: number;
      /** How the video came. */
      transport: "tcp" | "udp";
      /** The first picture, if it was requested and came. */
      jpeg: Uint8Array | undefined;
    }
  | ({
      ok: false;
      /** What the camera says about its stream, if the connection got that far. */
      offer?: CameraOffer;
    } & CameraFault);

export interface ReceiveOptions {
  ffmpeg: FfmpegProgram;
  transport: TransportChoice;
  /** Counts from 1; 0 or missing takes the first. */
  videoTrack?: number;
  access?: CameraAccess;
  /** Pictures to receive. */
  pictures?: number;
  /** Also return the first picture as JPEG, at most this many pixels wide. */
  jpegWidth?: number;
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface Seen {
  codec: string;
  packets: number;
  keyFrame: boolean;
  size: { width: number; height: number; interlaced: boolean };
  /** Stream time of each picture, in microseconds. */
  times: number[];
  /** When each frame arrived, in microseconds of the monotonic clock. */
  arrivals: number[];
  pictures: number;
  firstPictureMs: number;
  jpeg: Buffer[];
  jpegBytes: number;
}

const mostJpegBytes = 4 * 1024 * 1024;

/** Receives and decodes a few pictures, to prove that a key frame comes and can be decoded. */
export async function receive(target: CameraTarget, options: ReceiveOptions): Promise<Reception> {
  const { transport, videoTrack = 0, access = defaultAccess } = options;
  const timeoutMs = Math.max(0, Math.ceil(options.timeoutMs ?? 10_000));
  options.signal?.throwIfAborted();
  const startedAt = performance.now();
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  let stream: CameraStream;
  try {
    stream = await CameraStream.open(
      target,
      { transport, videoTrack, access, timeoutMs, ffmpeg: options.ffmpeg },
      signal,
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof CameraFaultError)) throw error;
    return failed(error);
  }
  try {
    const seen: Seen = { ...nothingSeen, times: [], arrivals: [], jpeg: [] };
    const failure = await decode(stream, options, seen, startedAt, signal);
    options.signal?.throwIfAborted();
    if (failure)
      return failed(describeReason(CameraReason.INTERNAL, `ffmpeg cannot run: ${failure.message}`));
    return outcome(seen, stream, timeout.aborted);
  } finally {
    await stream.stop();
  }
}

const nothingSeen = {
  codec: "",
  packets: 0,
  keyFrame: false,
  size: { width: 0, height: 0, interlaced: false },
  pictures: 0,
  firstPictureMs: 0,
  jpegBytes: 0,
};

/** Runs ffmpeg until it has the requested pictures or `signal` aborts; an error when ffmpeg cannot be started. */
async function decode(
  stream: CameraStream,
  { ffmpeg, pictures = 8, jpegWidth }: ReceiveOptions,
  seen: Seen,
  startedAt: number,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const args = [...stream.inputArguments, ...outputArguments(pictures, jpegWidth)];
  const arrived = (key: boolean) => {
    seen.packets += 1;
    seen.keyFrame ||= key;
  };
  const reader = new FfmpegReportReader((report) => {
    if (report.kind === "codec") seen.codec = report.codec;
    else if (report.kind === "packet") arrived(report.key);
    else if (report.kind === "decoded") {
      if (seen.pictures === 0) seen.firstPictureMs = performance.now() - startedAt;
      seen.pictures += 1;
      // Some versions of ffmpeg turn only those pictures that carry the orientation, as the first does.
      if (seen.pictures === 1) seen.size = { ...seen.size, width: report.width, height: report.height };
      seen.size.interlaced ||= report.interlaced;
      if (report.ptsUs !== undefined) seen.times.push(report.ptsUs);
    }
  });
  const run = new FfmpegRun(ffmpeg, args, {
    pipes: ["stdin", "stdout"],
    words: (text) => reader.write(text),
    signal,
  });
  stream.onFrame = ({ key }) => {
    seen.arrivals.push(performance.now() * 1_000);
    arrived(key);
  };
  stream.keepOrientation();
  stream.feed(run.stdin);
  run.stdout.on("data", (piece: Buffer) => {
    seen.jpegBytes += piece.byteLength;
    if (seen.jpegBytes > mostJpegBytes) run.kill();
    else seen.jpeg.push(piece);
  });
  return (await run.ended).notRun;
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
  const { width, height } = displayExpressions;
  const scale = `w='min(${Math.round(jpegWidth)},${width})':h='2*round(ow*${height}/${width}/2)'`;
  const filters = `scale=${scale}:out_range=full,setsar=1,format=yuvj420p`;
  return [
    ...report,
    ...[...video, "-vf", filters, "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4"],
    ...["-f", "image2pipe", "-flush_packets", "1", "pipe:1"],
  ];
}

/** The bytes of a complete JPEG; undefined if its end is missing. */
function wholeJpeg(pieces: readonly Buffer[]): Uint8Array | undefined {
  const jpeg = Buffer.concat(pieces);
  return jpeg.length > 4 && jpeg.readUInt16BE(jpeg.length - 2) === 0xffd9 ? jpeg : undefined;
}

function outcome(seen: Seen, stream: CameraStream, late: boolean): Reception {
  const { offer, transport, fault, cameraEnded } = stream;
  const { codec, size, times, arrivals, firstPictureMs } = seen;
  if (seen.pictures > 0) {
    const framesPerSecond = cameraFrameRate(times, arrivals);
    const jpeg = wholeJpeg(seen.jpeg);
    return { ok: true, offer, codec, ...size, framesPerSecond, firstPictureMs, transport, jpeg };
  }
  if (fault) return failed(fault, offer);
  if (seen.keyFrame && stream.heldBack) return failed(describeReason(CameraReason.DECODING_TOO_SLOW), offer);
  if (seen.keyFrame) return failed(stream.decodeFault, offer);
  if (seen.packets > 1) return failed(describeReason(CameraReason.NO_KEY_FRAME), offer);
  if (cameraEnded && !late) return failed(describeReason(CameraReason.STREAM_ENDED), offer);
  return failed(nothingArrives(transport), offer);
}

/** The stream is set up, but no data arrives. */
export function nothingArrives(transport: "tcp" | "udp"): CameraFault {
  return describeReason(
    CameraReason.STALLED,
    transport === "udp" ? "they would come by UDP: a firewall may keep them out" : undefined,
  );
}

function failed({ reason, message }: CameraFault, offer?: CameraOffer): Reception {
  return { ok: false, reason, message, ...(offer && { offer }) };
}
