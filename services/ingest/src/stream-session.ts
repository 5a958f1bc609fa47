import { CameraReason } from "@sightline/contracts";
import { type CameraFault, describeReason, parseRtspUrl, probe } from "@sightline/rtsp";
import type { Logger } from "@sightline/service";
import type { AnalysisGeometry } from "./analysis-geometry.ts";
import type { CameraSettings } from "./camera-settings.ts";
import { type DecoderEnd, type DecoderEvents, FfmpegDecoder, type StartTurn } from "./ffmpeg-decoder.ts";
import type { FrameBuffers } from "./frame-buffers.ts";
import type { Ledger } from "./ledger.ts";

/** Time to connect and be answered, beyond the time that frames may be missing. */
const connectMs = 4_000;
const probeMs = 4_000;
const watchMs = 100;

export interface SessionOptions {
  ffmpeg: string;
  settings: CameraSettings;
  geometry: AnalysisGeometry;
  stallMs: number;
  ledger: Ledger;
  buffers: FrameBuffers;
  start: StartTurn;
}

/** What a session has seen. */
interface Seen {
  startedAt: number | undefined;
  packetAt: number | undefined;
  keyFrame: boolean;
  pictureAt: number | undefined;
  /** Counted packets since the last picture. */
  undecoded: number;
}

/**
 * Receives a camera until the stream fails, and says why; undefined when `signal` ended it. A stream that is connected but
 * useless is ended: no frames, no key frame, no picture in what arrives.
 */
export async function runSession(
  options: SessionOptions,
  events: Omit<DecoderEvents, "started">,
  signal: AbortSignal,
  log: Logger,
): Promise<CameraFault | undefined> {
  if (signal.aborted) return undefined;
  const { uri, transport, secret: credentials, targetFps } = options.settings;
  const timeoutMs = Math.max(connectMs, options.stallMs);
  const seen: Seen = {
    startedAt: undefined,
    packetAt: undefined,
    keyFrame: false,
    pictureAt: undefined,
    undecoded: 0,
  };
  const decoder = new FfmpegDecoder(
    { ...options, targetFps, input: { uri, transport, credentials, timeoutMs } },
    {
      ...events,
      started: () => {
        seen.startedAt = performance.now();
      },
      packet: (event) => {
        seen.packetAt = performance.now();
        seen.keyFrame ||= event.key;
        if (event.counted) seen.undecoded += 1;
        events.packet(event);
      },
      picture: (size) => {
        seen.pictureAt = performance.now();
        seen.undecoded = 0;
        events.picture(size);
      },
    },
    log,
  );
  let verdict: CameraReason | undefined;
  const look = () => {
    verdict ??= judge(seen, options.stallMs);
    if (verdict !== undefined) void decoder.stop();
  };
  // A process that was held up for a while first reads what came meanwhile: only then is the silence the camera's.
  const watch = setInterval(() => setImmediate(look), watchMs);
  const abort = () => void decoder.stop();
  signal.addEventListener("abort", abort);
  try {
    const end = await decoder.ended;
    if (signal.aborted) return undefined;
    log.debug({ exitCode: end.exitCode, lastLines: end.lastLines }, "ffmpeg ended");
    return await explain(options.settings, seen, verdict, end, signal);
  } finally {
    clearInterval(watch);
    signal.removeEventListener("abort", abort);
  }
}

/** What is wrong with a stream that is still connected, if anything. */
function judge(seen: Seen, stallMs: number): CameraReason | undefined {
  const now = performance.now();
  const { startedAt } = seen;
  if (startedAt === undefined) return undefined;
  const silent = (since: number) => now - since > stallMs;
  if (seen.packetAt === undefined)
    return now - startedAt > stallMs + connectMs ? CameraReason.STALLED : undefined;
  if (silent(seen.packetAt)) return CameraReason.STALLED;
  if (!seen.keyFrame) return silent(startedAt + connectMs) ? CameraReason.NO_KEY_FRAME : undefined;
  if (seen.undecoded > 1 && silent(seen.pictureAt ?? startedAt)) return CameraReason.DECODE_FAILURE;
  return undefined;
}

/** Finds the reason by what was seen, else by asking the camera; never by ffmpeg's words, which change. */
async function explain(
  settings: CameraSettings,
  seen: Seen,
  verdict: CameraReason | undefined,
  end: DecoderEnd,
  signal: AbortSignal,
): Promise<CameraFault | undefined> {
  if (verdict !== undefined && seen.packetAt !== undefined) return describeReason(verdict);
  try {
    const target = { ...parseRtspUrl(settings.uri), credentials: settings.secret };
    const answer = await probe(target, { timeoutMs: probeMs, signal });
    if (!answer.ok) return { reason: answer.reason, message: answer.message };
  } catch (error) {
    if (signal.aborted) return undefined;
    return describeReason(CameraReason.INTERNAL, (error as Error).message);
  }
  if (verdict !== undefined) return describeReason(verdict);
  if (seen.pictureAt !== undefined) return describeReason(CameraReason.STREAM_ENDED);
  if (seen.keyFrame) return describeReason(CameraReason.DECODE_FAILURE);
  if (end.exitCode === undefined)
    return describeReason(CameraReason.INTERNAL, `ffmpeg cannot run: ${end.lastLines.at(-1) ?? "killed"}`);
  return describeReason(CameraReason.STREAM_ENDED);
}
