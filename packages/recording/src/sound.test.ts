import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SoundClip, VideoClip } from "@sightline/rtsp/testing";
import { expect, onTestFinished, test } from "vitest";
import type { CodedPicture } from "./coded-picture.ts";
import { RangeMovie } from "./range-movie.ts";
import { readSegment } from "./read-segment.ts";
import { RecordingFolder } from "./recording-folder.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { readSilenced } from "./silenced-segment.ts";
import type { CodedSound } from "./sound-frames.ts";
import { delays, flashAndBeep, flashesAndBeeps, probedSound } from "./testing/flash-and-beep.ts";
import { probed, sentPictures } from "./testing/numbered-video.ts";

const startMs = 1_764_000_000_000;
const camera = "front";
/** How far apart a flash and its tone may be in a file, in seconds: a picture, and what ffmpeg sees of a tone's beginning. */
const apart = 0.05;

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sightline-sound-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function fail(error: Error): never {
  throw error;
}

/** The frames of a clip as a camera sends them with its pictures. */
function sentSound(
  { frames, sampleRate, startsAt }: SoundClip,
  pictures: readonly CodedPicture[],
): CodedSound[] {
  const [first] = pictures;
  const firstUs = Math.min(...pictures.map(({ ptsUs }) => ptsUs));
  return frames.map((data, i) => {
    const seconds = startsAt + (i * 1024) / sampleRate;
    const arrivedAt = first!.arrivedAt + (seconds + 1024 / sampleRate) * 1000;
    return { data, ptsUs: Math.round(firstUs + seconds * 1e6), arrivedAt };
  });
}

/** Records pictures and sound in the order in which they arrive. */
async function record(
  folder: RecordingFolder,
  codec: VideoClip["codec"],
  pictures: readonly CodedPicture[],
  sound: readonly CodedSound[],
  config: Uint8Array,
) {
  const writer = new SegmentWriter({
    ...{ camera, codec, folder, sound: config },
    kind: () => "continuous",
    mayWrite: () => true,
    onFault: fail,
    onDropped: () => fail(new Error("a picture was dropped")),
  });
  const all = [
    ...pictures.map((picture) => ({ at: picture.arrivedAt, give: () => writer.push(picture) })),
    ...sound.map((frame) => ({ at: frame.arrivedAt, give: () => writer.pushSound(frame) })),
  ].sort((a, b) => a.at - b.at);
  for (const { give } of all) {
    give();
    await writer.settled();
  }
  return writer;
}

async function recorded(options: Parameters<typeof flashAndBeep>[0]) {
  const { video, sound } = await flashAndBeep(options);
  const pictures = sentPictures(video, { startMs });
  const folder = await RecordingFolder.open({ directory: await temporary(), maxBytes: 1e9, onFault: fail });
  return { video, sound, pictures, frames: sentSound(sound, pictures), folder };
}

async function movieFile(folder: RecordingFolder, from: number, to: number, sound = true): Promise<string> {
  const range = [startMs + from * 1000, startMs + to * 1000] as const;
  const movie = (await RangeMovie.of(folder, camera, ...range, { sound }))!;
  const parts: Buffer[] = [];
  for await (const part of movie.read()) parts.push(part);
  const file = join(await temporary(), "movie.mp4");
  const bytes = Buffer.concat(parts);
  expect(bytes.length).toBe(movie.bytes);
  await writeFile(file, bytes);
  return file;
}

async function expectInTime(file: string, least: number): Promise<void> {
  const found = delays(await flashesAndBeeps(file));
  expect(found.length, file).toBeGreaterThanOrEqual(least);
  for (const delay of found) expect(Math.abs(delay), `${found}`).toBeLessThan(apart);
}

/** Without a gap: each packet begins a frame after the one before. */
function expectUnbroken({ packets, sampleRate }: NonNullable<Awaited<ReturnType<typeof probedSound>>>): void {
  for (const [i, { pts }] of packets.entries()) {
    const before = packets[i - 1];
    if (before) expect(pts).toBeCloseTo(before.pts + 1024 / sampleRate, 3);
  }
}

test.each([
  ["H.264", { seconds: 24, bFrames: 0 }],
  [
    "H.264 with B-frames and stereo of 44.1 kHz",
    { seconds: 24, bFrames: 3, sampleRate: 44_100, channels: 2 },
  ],
  ["H.265 with B-frames and sound of 8 kHz", { seconds: 24, codec: "H265", bFrames: 3, sampleRate: 8_000 }],
  ["key frames 10 s apart", { seconds: 32, keyEvery: 250, bFrames: 2, sampleRate: 16_000 }],
] as const)(
  "%s: sound is in segments and in the movie of a range, with the pictures of its time",
  async (_, options) => {
    const { video, sound, pictures, frames, folder } = await recorded(options);
    await (await record(folder, video.codec, pictures, frames, sound.config)).stop();
    const segments = folder.index.of(camera);
    expect(segments.length).toBeGreaterThanOrEqual(3);
    for (const segment of segments) {
      expect(segment.audio).toBe(true);
      const path = folder.pathOf(segment);
      expect(path).toContain("-aac-");
      expect((await probed(path)).complaints).toBe("");
      const found = (await probedSound(path))!;
      expect(found).toMatchObject({ codec: "aac", sampleRate: sound.sampleRate });
      expectUnbroken(found);
      if (segment.endMs - segment.fromMs > 5_000) await expectInTime(path, 4);
    }
    const whole = await movieFile(folder, -1, 60);
    expect((await probed(whole)).complaints).toBe("");
    const heard = (await probedSound(whole))!;
    expectUnbroken(heard);
    // All of it but what the encoder put before the first picture, and what had not arrived with the last.
    expect(heard.packets.length).toBeGreaterThanOrEqual(frames.length - 6);
    await expectInTime(whole, options.seconds - 3);
    // One that begins with a picture in the middle of the recording.
    await expectInTime(await movieFile(folder, 12.3, 18.2), 5);
  },
);

test("a movie has no sound where none is asked for, and nor has a file that is served without", async () => {
  const { video, sound, pictures, frames, folder } = await recorded({ seconds: 12 });
  await (await record(folder, video.codec, pictures, frames, sound.config)).stop();
  const silent = await movieFile(folder, 0, 12, false);
  expect(await probedSound(silent)).toBeUndefined();
  expect((await probed(silent)).complaints).toBe("");
  const path = folder.pathOf(folder.index.of(camera)[0]!);
  const bytes = await readFile(path);
  const read = async (start: number, end: number) => {
    const parts: Buffer[] = [];
    for await (const part of readSilenced(path, start, end)) parts.push(part);
    return Buffer.concat(parts);
  };
  const silenced = await read(0, bytes.length);
  expect(silenced.length).toBe(bytes.length);
  // Any part of it is that part of the whole.
  for (const [start, end] of [
    [1_000, 1_500],
    [777, bytes.length - 3],
  ] as const)
    expect((await read(start, end)).equals(silenced.subarray(start, end))).toBe(true);
  const file = join(await temporary(), "silenced.mp4");
  await writeFile(file, silenced);
  expect(await probedSound(file)).toBeUndefined();
  expect(await probed(file)).toEqual({
    ...(await probed(silent)),
    packets: expect.anything(),
    duration: expect.anything(),
  });
  for (const { offset, bytes: count } of (await readSegment(path))!.sound!.samples)
    expect(silenced.subarray(offset, offset + count).every((byte) => byte === 0)).toBe(true);
});

test("sound that lacks for a while is silence; sound that stops ends with a file, and begins with one", async () => {
  const { video, sound, pictures, frames, folder } = await recorded({ seconds: 40 });
  const between =
    (from: number, to: number) =>
    ({ ptsUs }: CodedSound) =>
      ptsUs >= from * 1e6 && ptsUs < to * 1e6;
  const heard = frames.filter((frame) => !between(4.5, 6.6)(frame) && !between(14.5, 26.6)(frame));
  await (await record(folder, video.codec, pictures, heard, sound.config)).stop();
  const segments = folder.index.of(camera);
  expect(segments.some(({ audio }) => !audio)).toBe(true);
  expect(segments.at(-1)!.audio).toBe(true);
  for (const segment of segments.filter(({ audio }) => audio)) {
    const path = folder.pathOf(segment);
    const heard = (await probedSound(path))!;
    expectUnbroken(heard);
    // Players stop where one of two tracks has ended.
    const { packets: all } = await probed(path);
    const shownUntil = Math.max(...all.map(({ pts }) => pts));
    expect(shownUntil - heard.packets.at(-1)!.pts).toBeLessThan(2.5);
  }
  const whole = await movieFile(folder, 0, 40);
  const { beeps } = await flashesAndBeeps(whole);
  await expectInTime(whole, 20);
  expect(beeps.filter((at) => (at > 4.7 && at < 6.7) || (at > 14.7 && at < 26.7))).toEqual([]);
});

test("a pause is left out of pictures and sound alike", async () => {
  const { video, sound, pictures, frames, folder } = await recorded({ seconds: 21 });
  const [first, second] = [pictures.slice(0, 205), pictures.slice(400)];
  const upTo = (ms: number) => frames.filter(({ arrivedAt }) => arrivedAt <= ms);
  const since = (ms: number) => frames.filter(({ arrivedAt }) => arrivedAt >= ms);
  await (await record(folder, video.codec, first, upTo(first.at(-1)!.arrivedAt + 300), sound.config)).stop();
  await (await record(folder, video.codec, second, since(second[0]!.arrivedAt - 300), sound.config)).stop();
  const whole = await movieFile(folder, 0, 40);
  await expectInTime(whole, 9);
  const { duration } = await probed(whole);
  expect(duration).toBeLessThan(14);
});

test("a camera whose sound is coded otherwise from a connection on is in one movie", async () => {
  const { video, sound, pictures, frames, folder } = await recorded({ seconds: 12, sampleRate: 48_000 });
  await (await record(folder, video.codec, pictures, frames, sound.config)).stop();
  const other = await flashAndBeep({ seconds: 12, sampleRate: 16_000, channels: 2 });
  const later = sentPictures(other.video, { startMs: startMs + 12_000 }).map((picture) => ({
    ...picture,
    arrivedAt: picture.arrivedAt + 1,
  }));
  await (await record(folder, "H264", later, sentSound(other.sound, later), other.sound.config)).stop();
  const whole = await movieFile(folder, 0, 40);
  await expectInTime(whole, 18);
});

test("a killed recording keeps sound and pictures up to its last whole fragment, and its bytes count", async () => {
  const { video, sound, pictures, frames, folder } = await recorded({ seconds: 12, bFrames: 2 });
  const until = pictures[205]!.arrivedAt;
  const writer = await record(
    folder,
    video.codec,
    pictures.slice(0, 206),
    frames.filter(({ arrivedAt }) => arrivedAt <= until),
    sound.config,
  );
  await writer.settled();
  const [open] = folder.index.of(camera);
  const path = folder.pathOf(open!);
  const bytes = await readFile(path);
  expect(open!.bytes).toBe(bytes.length);
  // As when a process is killed while it writes.
  await writeFile(path, bytes.subarray(0, bytes.length - 100));
  const found = await RecordingFolder.open({ directory: folder.directory, maxBytes: 1e9, onFault: fail });
  const [segment] = found.index.of(camera);
  expect(segment).toMatchObject({ audio: true, toMs: expect.any(Number) });
  const recovered = found.pathOf(segment!);
  expect((await readFile(recovered)).length).toBe(segment!.bytes);
  expect((await probed(recovered)).complaints).toBe("");
  await expectInTime(recovered, 4);
});
