/**
 * What the RTSP relay loses and delays: real cameras over TCP, received by ingest's decoder through the relay, or (--direct)
 * by an ffmpeg that connects to the cameras itself. Pictures are counted against the RTP that came and against the camera's
 * own times, so the time until the first picture plays no part.
 *
 *   node test/bench/relay.ts [--cameras 4] [--seconds 20] [--direct]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { limits } from "@sightline/contracts";
import { usualFfmpegMemoryMib } from "@sightline/media";
import { CameraStream, defaultAccess, findFfmpeg, parseRtspUrl, reportArguments } from "@sightline/rtsp";
import { createLogger } from "@sightline/service";
import { RtspCameras } from "@sightline/stack";
import { type DecoderInput, FfmpegDecoder } from "../../services/ingest/src/ffmpeg-decoder.ts";
import { FrameBuffers } from "../../services/ingest/src/frame-buffers.ts";
import { Ledger } from "../../services/ingest/src/ledger.ts";
import { quantile } from "./measure.ts";

const framesPerSecond = 20;
const geometry = { width: 640, height: 640, longestSide: 640, padValue: 114 };
const frameBytes = geometry.width * geometry.height * 3;
/** Room for a frame's header, as in ingest. */
const headerBytes = limits.frameHeaderBytes;
const log = createLogger("bench", "error");

/** RTP of one camera, as our connection received it. */
class Received {
  packets = 0;
  /** Sequence numbers that lack. */
  lost = 0;
  /** When each picture's last packet came, by its RTP timestamp less the first's, in 90 kHz. */
  readonly pictures = new Map<number, number>();
  #sequence: number | undefined;
  #origin: number | undefined;

  take(packet: Buffer): void {
    if (packet[1] !== 0) return;
    this.packets += 1;
    const sequence = packet.readUInt16BE(6);
    if (this.#sequence !== undefined) this.lost += (sequence - this.#sequence - 1) & 0xffff;
    this.#sequence = sequence;
    const timestamp = packet.readUInt32BE(8);
    this.#origin ??= timestamp;
    if (packet.readUInt8(5) & 0x80) this.pictures.set((timestamp - this.#origin) >>> 0, performance.now());
  }
}

/** An ffmpeg that connects to the camera by itself. */
function directInput(url: string): DecoderInput {
  const script = `ffconcat version 1.0\nfile '${url}'\noption rtsp_transport tcp\noption allowed_media_types video\noption probesize 32\noption analyzeduration 0\n`;
  return {
    inputArguments: [
      ...reportArguments,
      ...["-dump", "-probesize", "32", "-analyzeduration", "0"],
      ...["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,rtsp,tcp", "-i", "pipe:0"],
    ],
    feed: (stdin) => void stdin.end(script),
  };
}

/** Receives one camera until `ended`, and says what came of it. */
async function receive(url: string, ffmpegPath: string, direct: boolean, ended: Promise<void>) {
  const received = new Received();
  let stream: CameraStream | undefined;
  if (!direct) {
    const ffmpeg = { path: ffmpegPath, memoryMib: usualFfmpegMemoryMib };
    const options = {
      transport: "tcp" as const,
      videoTrack: 0,
      access: defaultAccess,
      timeoutMs: 20_000,
      ffmpeg,
    };
    stream = await CameraStream.open(parseRtspUrl(url), options, new AbortController().signal);
    stream.onPacket = (packet) => received.take(packet);
  }
  const buffers = new FrameBuffers(headerBytes + frameBytes);
  const frames: { ptsUs: number; arrivedAt: number; readyAt: number }[] = [];
  const decoder = new FfmpegDecoder(
    {
      ffmpeg: { path: ffmpegPath, memoryMib: usualFfmpegMemoryMib },
      ...{
        stream: stream ?? directInput(url),
        targetFps: 0,
        interlaced: false,
        orientation: 1,
        masks: [],
        geometry,
        ledger: new Ledger(),
        buffers,
      },
      decoding: { decoder: "software", note: "" },
      start: async () => () => undefined,
    },
    {
      started: () => undefined,
      packet: () => undefined,
      picture: () => undefined,
      codec: () => undefined,
      frame: ({ ptsUs, arrivedAt }, message) => {
        frames.push({ ptsUs, arrivedAt, readyAt: performance.now() });
        buffers.give(message);
      },
    },
    log,
  );
  await ended;
  const came = received.pictures.size;
  const pictures = frames.length;
  await decoder.stop();
  await stream?.stop();
  const [first, last] = [frames[0]?.ptsUs ?? 0, frames[pictures - 1]?.ptsUs ?? 0];
  const cameAt = (ptsUs: number) =>
    received.pictures.get(Math.round(((ptsUs - first) * 9) / 100)) ?? Number.NaN;
  const delays = (until: "arrivedAt" | "readyAt") =>
    frames.map((frame) => frame[until] - cameAt(frame.ptsUs)).filter((delay) => !Number.isNaN(delay));
  const tenths = (ms: number) => Math.round(ms * 10) / 10;
  return {
    ...(stream && { packets: received.packets, "packets lost": received.lost, dropped: stream.dropped }),
    ...(stream && { "pictures received": came }),
    "pictures decoded": pictures,
    "missing between first and last": Math.round(((last - first) / 1e6) * framesPerSecond) + 1 - pictures,
    ...(stream && {
      "stamp late by p50 ms": tenths(quantile(delays("arrivedAt"), 0.5)),
      p99: tenths(quantile(delays("arrivedAt"), 0.99)),
      "pixels after p50 ms": tenths(quantile(delays("readyAt"), 0.5)),
      "p99 ": tenths(quantile(delays("readyAt"), 0.99)),
    }),
  };
}

const { values } = parseArgs({
  options: {
    cameras: { type: "string", default: "4" },
    seconds: { type: "string", default: "20" },
    direct: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "sightline-relay-"));
const cameras = await RtspCameras.start({
  ...{ count: Number(values.cameras), speed: framesPerSecond / 10, logFile: join(folder, "cameras.log") },
});
const ffmpegPath = await findFfmpeg(process.env.FFMPEG_PATH);
const ended = wait(Number(values.seconds) * 1000);
const before = process.resourceUsage();
console.table(
  await Promise.all(
    cameras.names.map((name) => receive(cameras.url(name), ffmpegPath, values.direct, ended)),
  ),
);
const after = process.resourceUsage();
const cpuMs = (after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime) / 1000;
console.log(`Node's CPU: ${Math.round(cpuMs / Number(values.seconds))} ms a second`);
await cameras.stop();
rmSync(folder, { recursive: true, force: true });
