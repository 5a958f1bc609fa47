/**
 * What recording costs: cameras of 1920×1080 at 30 frames/s and 4 Mbit/s are given to a writer each, by turns with a recorder that
 * writes nothing, in one process; its CPU is counted, the threads that write too. Then what a picture in the camera's resolution
 * costs, at several distances from its key picture: by the process that is kept for it, and by an ffmpeg for each, by turns; their CPU is
 * counted, and this process's.
 * `node test/bench/recording.ts [--cameras N] [--seconds S] [--rounds N] [--json]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type CodedPicture, RecentPictures, RecordingFolder, SegmentWriter } from "@sightline/recording";
import { findFfmpeg } from "@sightline/rtsp";
import { isKey, readClip, type VideoClip } from "@sightline/rtsp/testing";
import { processStat } from "@sightline/stack";
import { type DecodeOptions, decodePicture } from "../../services/ingest/src/pictures/decode-picture.ts";
import { KeptDecoder } from "../../services/ingest/src/pictures/kept/kept-decoder.ts";
import { median } from "./measure.ts";

const rate = 30;
const keyEvery = 60;
const encode = [
  ...["-vf", `scale=1920:1080,fps=${rate}`, "-c:v", "libx264", "-preset", "veryfast", "-bf", "0"],
  ...["-g", String(keyEvery), "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M"],
  // The clip is encoded twice, which must give the same bytes.
  ...["-threads", "1"],
];

export interface RecordingOptions {
  cameras: number;
  seconds: number;
  rounds: number;
}

/** The n-th picture of a camera that plays the clip without end. */
function pictureAt(clip: VideoClip, n: number, startMs: number): CodedPicture {
  const unit = clip.units[n % clip.units.length]!;
  const ms = (n * 1000) / rate;
  return {
    ...{ data: unit.data, key: isKey(clip.codec, unit), ptsUs: Math.round(ms * 1000) },
    ...{ arrivedAt: startMs + ms, captureMs: startMs + ms },
  };
}

/** Share of a core that the process takes for so long. */
async function share(
  clip: VideoClip,
  seconds: number,
  takers: readonly ((picture: CodedPicture) => void)[],
): Promise<number> {
  const pictures = clip.units.map((_, n) => pictureAt(clip, n, Date.now()));
  const startMs = Date.now();
  const [before, begun] = [process.cpuUsage(), performance.now()];
  for (let n = 0; n < seconds * rate; n++) {
    const time = startMs + (n * 1000) / rate;
    const { key, data } = pictures[n % pictures.length]!;
    for (const take of takers)
      take({ key, data, ptsUs: Math.round((n * 1e6) / rate), arrivedAt: time, captureMs: time });
    await delay(Math.max(0, begun + ((n + 1) * 1000) / rate - performance.now()));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - begun);
}

/** CPU in milliseconds of a process by its id, or of this one's children that have ended. */
async function cpuMs(pid: number | "ended children"): Promise<number> {
  if (pid === "ended children") return 1_000 * (await processStat("self")).childrenCpuSeconds;
  return 1_000 * (await processStat(pid)).cpuSeconds;
}

export async function benchRecording(
  { cameras, seconds, rounds }: RecordingOptions,
  say: (line: string) => void = () => undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-recording-"));
  try {
    const clip = await readClip({ seconds: 8, encode });
    const folder = await RecordingFolder.open({
      directory,
      maxBytes: 4e9,
      onFault: (error) => say(error.message),
    });
    let dropped = 0;
    const writers = Array.from(
      { length: cameras },
      (_, i) =>
        new SegmentWriter({
          ...{ camera: `camera-${i}`, codec: "H264", folder },
          kind: () => "continuous",
          mayWrite: () => true,
          onFault: (error) => say(error.message),
          onDropped: (count) => {
            dropped += count;
          },
        }),
    );
    const nothing = writers.map(() => () => undefined);
    const record = writers.map((writer) => (picture: CodedPicture) => writer.push(picture));
    const perCamera: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const without = await share(clip, seconds, nothing);
      const recording = await share(clip, seconds, record);
      perCamera.push((recording - without) / cameras);
      say(
        `round ${round + 1}: ${percent(without)} of a core without, ${percent(recording)} with ${cameras} cameras recorded: ${percent(perCamera.at(-1)!)} each`,
      );
    }
    await Promise.all(writers.map((writer) => writer.stop()));
    await folder.settled();
    const pictures = await benchPictures(clip, say);
    return { cameras, perCamera: median(perCamera), dropped, bytes: folder.index.bytes, pictures };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Pictures that are made in a row: the system counts CPU in steps of 10 ms. */
const inARow = 10;

/** What one of some pictures costs a process and this one, in milliseconds of CPU. */
async function costOf(
  pid: () => number | "ended children",
  make: (i: number) => Promise<unknown>,
): Promise<number> {
  const before = await cpuMs(pid());
  const own = process.cpuUsage();
  for (let i = 0; i < inARow; i++) await make(i);
  const { user, system } = process.cpuUsage(own);
  return ((await cpuMs(pid())) - before + (user + system) / 1000) / inARow;
}

async function benchPictures(clip: VideoClip, say: (line: string) => void) {
  const ffmpeg = { path: await findFfmpeg(process.env.FFMPEG_PATH), memoryMib: 2048 };
  const kept = new KeptDecoder(ffmpeg);
  const recent = new RecentPictures("H264", { maxAgeMs: 1e9, cameraBytes: () => 1e9 });
  for (let n = 0; n < keyEvery; n++) recent.push(pictureAt(clip, n, 1e12));
  const decodable = (distance: number) => recent.find(1e12 + (distance * 1000) / rate)!;
  const options = (): DecodeOptions => ({
    ...{ interlaced: false, orientation: 1, masks: [], maxWidth: undefined, quality: 85 },
    signal: AbortSignal.timeout(30_000),
  });
  const keptPid = () => kept.pid!;
  let streams = 0;
  try {
    await kept.decode(streams++, decodable(0), options());
    const startMs = await cpuMs(keptPid());
    say(`the kept process: ${startMs} ms of CPU up to its first picture`);
    const pictures: { distance: number; keptMs: number; ffmpegMs: number }[] = [];
    for (const distance of [0, 7, 15, 30, 59]) {
      const costs = { kept: [] as number[], ffmpeg: [] as number[] };
      for (let round = 0; round < 3; round++) {
        // Of another connection each time, so that the decoder begins at the key picture.
        const make = () => kept.decode(streams++, decodable(distance), options());
        costs.kept.push(await costOf(keptPid, make));
        const alone = () => decodePicture(decodable(distance), ffmpeg, options());
        costs.ffmpeg.push(await costOf(() => "ended children", alone));
      }
      const [keptMs, ffmpegMs] = [median(costs.kept), median(costs.ffmpeg)];
      pictures.push({ distance, keptMs, ffmpegMs });
      say(
        `picture ${distance} after its key picture: ${keptMs.toFixed(0)} ms of CPU by the kept process, ${ffmpegMs.toFixed(0)} by an ffmpeg for it alone: ${(keptMs / ffmpegMs).toFixed(2)} of it`,
      );
    }
    const stream = streams++;
    await kept.decode(stream, decodable(4), options());
    const onMs = await costOf(keptPid, (i) => kept.decode(stream, decodable(9 + 5 * i), options()));
    say(`every fifth picture of a group in turn, the decoder going on: ${onMs.toFixed(0)} ms each`);
    return { startMs, pictures, onMs };
  } finally {
    await kept.stop();
  }
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)}%`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "16" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const { cameras, seconds, rounds } = values;
  const numbers = { cameras: Number(cameras), seconds: Number(seconds), rounds: Number(rounds) };
  const report = await benchRecording(numbers, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else
    console.error(
      `recording: ${percent(report.perCamera)} of a core for a camera; ${report.dropped} pictures left out`,
    );
}
