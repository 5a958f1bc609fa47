import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { CodedPicture } from "./coded-picture.ts";
import { readMovieTimes } from "./mp4/movie-times.ts";
import { RangeMovie } from "./range-movie.ts";
import { readSegment } from "./read-segment.ts";
import { RecordingFolder } from "./recording-folder.ts";
import { SegmentWriter } from "./segment-writer.ts";
import {
  type NumberedOptions,
  numberedVideo,
  probed,
  sentPictures,
  shownNumbers,
} from "./testing/numbered-video.ts";

const startMs = 1_764_000_000_000;
const camera = "front";

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sightline-recording-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function fail(error: Error): never {
  throw error;
}

async function folderAt(
  directory: string,
  maxBytes = 1e9,
  onFault: (error: Error) => void = fail,
): Promise<RecordingFolder> {
  return RecordingFolder.open({ directory, maxBytes, onFault });
}

async function record(
  folder: RecordingFolder,
  codec: "H264" | "H265",
  pictures: readonly CodedPicture[],
  stop = true,
) {
  const dropped: number[] = [];
  const writer = new SegmentWriter({
    ...{ camera, codec, folder },
    kind: () => "continuous",
    mayWrite: () => true,
    onFault: fail,
    onDropped: (count) => dropped.push(count),
  });
  for (const picture of pictures) {
    writer.push(picture);
    // As between packets: the disk has its turns.
    await writer.settled();
  }
  if (stop) await writer.stop();
  return { dropped, writer };
}

/** The movie of a range as a file, and what it says of itself. */
async function movieFile(folder: RecordingFolder, fromMs: number, toMs: number) {
  const movie = (await RangeMovie.of(folder, camera, fromMs, toMs))!;
  const parts: Buffer[] = [];
  for await (const part of movie.read()) parts.push(part);
  const file = join(await temporary(), "clip.mp4");
  const bytes = Buffer.concat(parts);
  expect(bytes.length).toBe(movie.bytes);
  await writeFile(file, bytes);
  return { file, movie, bytes };
}

function expectSteadyTimes(packets: readonly { pts: number; dts: number }[]): void {
  for (const [i, { pts, dts }] of packets.entries()) {
    expect(pts).toBeGreaterThanOrEqual(dts);
    if (i > 0) expect(dts).toBeGreaterThan(packets[i - 1]!.dts);
  }
}

const vary =
  "settb=1/1000,setpts='(if(lt(N,100),N/25,if(lt(N,108),4+(N-100)*0.7,9.6+(N-108)/25))+0.01*mod(N,3))/TB'";
const streams: [string, NumberedOptions][] = [
  ["H.264 without B-frames", { seconds: 24, encode: ["-bf", "0"] }],
  [
    "H.264 with B-frames",
    { seconds: 24, encode: ["-bf", "3", "-b_strategy", "0", "-x264-params", "open-gop=1:b-pyramid=2"] },
  ],
  ["H.265 with B-frames", { codec: "H265", seconds: 24, encode: ["-bf", "3"] }],
  ["a variable rate", { seconds: 24, filter: vary, encode: ["-enc_time_base", "1:1000", "-bf", "2"] }],
  ["key frames 10 s apart", { seconds: 32, keyEvery: 250, encode: ["-bf", "2"] }],
];

test.each(streams)(
  "%s: every picture is in segments and in the movie of a range, at its time",
  async (_, options) => {
    const { codec = "H264" } = options;
    const clip = await numberedVideo(options);
    const pictures = sentPictures(clip, { startMs });
    const directory = await temporary();
    const folder = await folderAt(directory);
    await record(folder, codec, pictures);
    const segments = folder.index.of(camera);
    expect(segments.length).toBeGreaterThanOrEqual(3);
    const shown: number[] = [];
    const captured: number[] = [];
    for (const segment of segments) {
      const path = folder.pathOf(segment);
      const probe = await probed(path);
      expect(probe.complaints).toBe("");
      expectSteadyTimes(probe.packets.slice(0));
      expect(probe.packets[0]!.key).toBe(true);
      shown.push(...(await shownNumbers(path)));
      captured.push(...(await readSegment(path))!.samples.map(({ captureMs }) => captureMs));
    }
    const all = Array.from(pictures, (_, i) => i);
    expect(shown.toSorted((a, b) => a - b)).toEqual(all);
    expect(captured).toEqual(pictures.map(({ captureMs }) => captureMs));
    const whole = await movieFile(folder, startMs - 1000, startMs + 60_000);
    const probe = await probed(whole.file);
    expect(probe.complaints).toBe("");
    expectSteadyTimes(probe.packets);
    expect(await shownNumbers(whole.file)).toEqual(all);
    const span = pictures.map(({ ptsUs }) => ptsUs).sort((a, b) => a - b);
    expect(probe.packets.map(({ pts }) => pts).sort((a, b) => a - b)).toEqual(
      span.map((pts) => expect.closeTo((pts - span[0]!) / 1e6, 3)),
    );
    // Which time of the movie shows what was captured when, so that boxes can be drawn over it.
    const inOrder = pictures.toSorted((a, b) => a.ptsUs - b.ptsUs);
    expect(readMovieTimes(whole.bytes)).toEqual(
      inOrder.map(({ captureMs, ptsUs }) => ({
        seconds: expect.closeTo((ptsUs - span[0]!) / 1e6, 4),
        captureMs: expect.closeTo(captureMs, 0.1),
      })),
    );
    // The moment itself: what a part of the range shows was captured in it, but for what its first picture needs.
    const part = await movieFile(folder, startMs + 12_300, startMs + 14_700);
    const inPart = await shownNumbers(part.file);
    const numberOf = pictures
      .map(({ ptsUs }, i) => ({ i, ptsUs }))
      .sort((a, b) => a.ptsUs - b.ptsUs)
      .map(({ i }) => i);
    const times = inPart.map((number) => pictures[numberOf[number]!]!.captureMs);
    const within = (time: number) => time >= startMs + 12_300 && time < startMs + 14_700;
    expect(times.filter(within).length).toBe(pictures.filter(({ captureMs }) => within(captureMs)).length);
    // Pictures that are shown before one of the range may come a little later.
    expect(Math.max(...times)).toBeLessThan(startMs + 14_700 + 2_500);
    expect((await probed(part.file)).packets[0]!.key).toBe(true);
  },
);

test("a new size begins a new segment, and a movie holds both", async () => {
  const [a, b] = [await numberedVideo({ seconds: 3 }), await numberedVideo({ seconds: 3, size: [768, 256] })];
  const folder = await folderAt(await temporary());
  const pictures = [
    ...sentPictures(a, { startMs }),
    ...sentPictures(b, { startMs: startMs + 3000, startPtsUs: 3e6 }),
  ];
  await record(folder, "H264", pictures);
  expect(folder.index.of(camera).map(({ width, height }) => [width, height])).toEqual([
    [384, 128],
    [768, 256],
  ]);
  const { file } = await movieFile(folder, startMs, startMs + 10_000);
  expect((await probed(file)).complaints).toBe("");
  expect(await shownNumbers(file)).toEqual([...Array(75).keys(), ...Array(75).keys()]);
});

test("a movie tells of the pauses that are left out of it", async () => {
  const clip = await numberedVideo({ seconds: 3 });
  const folder = await folderAt(await temporary());
  const later = startMs + 60_000;
  await record(folder, "H264", sentPictures(clip, { startMs }));
  await record(folder, "H264", sentPictures(clip, { startMs: later }));
  const { file, bytes } = await movieFile(folder, startMs, later + 10_000);
  expect((await probed(file)).duration).toBeCloseTo(6, 1);
  const times = readMovieTimes(bytes)!;
  const captureMsAt = (seconds: number) => times.findLast((each) => each.seconds <= seconds)!.captureMs;
  expect(captureMsAt(2.001)).toBeCloseTo(startMs + 2_000, 0);
  expect(captureMsAt(4.001)).toBeCloseTo(later + 1_000, 0);
});

test("a file whose writer was killed holds all but the last second, and is found again", async () => {
  const pictures = sentPictures(await numberedVideo({ seconds: 9, keyEvery: 250, encode: ["-bf", "2"] }), {
    startMs,
  });
  const directory = await temporary();
  const { writer } = await record(await folderAt(directory, 1e9, () => undefined), "H264", pictures, false);
  const [name] = await readdir(join(directory, camera));
  const path = join(directory, camera, name!);
  expect(name).toContain("-open-");
  await truncate(path, (await readFile(path)).length - 1000);
  const again = await folderAt(directory);
  const [segment] = again.index.of(camera);
  expect(segment!.toMs).toBeGreaterThan(startMs + 6_500);
  const numbers = await shownNumbers(again.pathOf(segment!));
  expect(numbers).toEqual([...numbers.keys()]);
  expect(numbers.length).toBeGreaterThan(160);
  await writer.stop();
});

test("a stream whose time stands still or jumps is timed by the pictures' arrival", async () => {
  const clip = await numberedVideo({ seconds: 12, encode: ["-bf", "0"] });
  const still = sentPictures(clip, { startMs }).map((each, i) => ({ ...each, ptsUs: i * 11 }));
  const jumps = sentPictures(clip, { startMs }).map((each, i) => ({
    ...each,
    ptsUs: each.ptsUs + (i > 110 ? 9e9 : 0),
  }));
  for (const pictures of [still, jumps]) {
    const folder = await folderAt(await temporary());
    await record(folder, "H264", pictures);
    const { file } = await movieFile(folder, startMs, startMs + 20_000);
    const probe = await probed(file);
    expectSteadyTimes(probe.packets);
    expect(probe.duration).toBeGreaterThan(9);
    expect(probe.duration).toBeLessThan(14);
    expect(await shownNumbers(file)).toEqual([...pictures.keys()]);
  }
});

test("what no file can hold is left out, and what comes behind it is recorded", async () => {
  const good = sentPictures(await numberedVideo({ seconds: 3 }), { startMs });
  const first = good[0]!;
  const largeSet = Buffer.concat([Buffer.from([0, 0, 0, 1, 0x67]), Buffer.alloc(80_000, 0x55), first.data]);
  const wide = Buffer.from(first.data);
  wide.fill(0, wide.indexOf("\0\0\x01\x67", 0, "latin1") + 8, wide.indexOf("\0\0\x01\x67", 0, "latin1") + 12);
  const odd: CodedPicture[] = [
    { ...first, data: largeSet },
    { ...first, data: wide },
    { ...first, data: Buffer.alloc(0) },
    first,
    ...[...Array(3000).keys()].map((i) => ({
      ...good[1]!,
      ptsUs: i * 9_900_000,
      arrivedAt: first.arrivedAt + i / 10,
    })),
    ...[...Array(3000).keys()].map((i) => ({ ...good[1]!, key: i % 2 === 0, ptsUs: -i, captureMs: -i })),
  ];
  const folder = await folderAt(await temporary());
  const later = good.map((each) => ({
    ...each,
    ...{ ptsUs: each.ptsUs + 1e9, arrivedAt: each.arrivedAt + 1e6, captureMs: each.captureMs + 1e6 },
  }));
  const { dropped } = await record(folder, "H264", [first, ...odd, ...later]);
  expect(dropped.length).toBeGreaterThan(0);
  const { file } = await movieFile(folder, startMs + 1e6 - 500, startMs + 2e6);
  expect(await shownNumbers(file)).toEqual([...good.keys()]);
});

test("the wall clock is set back and forward: nothing is lost or overwritten", async () => {
  const clip = await numberedVideo({ seconds: 12 });
  const steps = [0, -3_600_000, 3_600_000];
  const folder = await folderAt(await temporary());
  const pictures = sentPictures(clip, { startMs }).map((each, i) => ({
    ...each,
    captureMs: each.captureMs + steps[Math.floor(i / 100)]!,
  }));
  await record(folder, "H264", pictures);
  expect(
    (await Promise.all(folder.index.of(camera).map((each) => shownNumbers(folder.pathOf(each)))))
      .flat()
      .sort((a, b) => a - b),
  ).toEqual([...pictures.keys()]);
});

test("the bound is never passed by more than one segment; the oldest goes first, and what events want goes last", async () => {
  const clip = await numberedVideo({ seconds: 11 });
  const directory = await temporary();
  const first = await folderAt(directory);
  const one = sentPictures(clip, { startMs });
  await record(first, "H264", one);
  const size = first.index.bytes / first.index.of(camera).length;
  const bound = 5.5 * size;
  const folder = await folderAt(directory, bound);
  await folder.setKind(folder.index.of(camera)[0]!, "event");
  for (let round = 1; round < 6; round++) {
    await record(folder, "H264", sentPictures(clip, { startMs: startMs + round * 20_000 }));
    await folder.settled();
    const names = await readdir(join(directory, camera));
    const sizes = await Promise.all(
      names.map(async (name) => (await readFile(join(directory, camera, name))).length),
    );
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(bound + 2 * size);
  }
  const left = folder.index.of(camera);
  expect(left[0]!.kind).toBe("event");
  expect(left[0]!.fromMs).toBe(startMs);
  expect(left[1]!.fromMs).toBeGreaterThan(startMs + 50_000);
  expect(
    (await folderAt(directory, bound)).index.of(camera).map(({ fromMs, kind }) => [fromMs, kind]),
  ).toEqual(left.map(({ fromMs, kind }) => [fromMs, kind]));
});

test("pictures that are to be turned are turned by players, of a segment and of a range; where that changes a segment ends", async () => {
  const directory = await temporary();
  const folder = await folderAt(directory);
  const pictures = sentPictures(await numberedVideo({ seconds: 3 }), { startMs });
  const turnedFrom = startMs + 1_500;
  await record(
    folder,
    "H264",
    pictures.map((picture) => ({
      ...picture,
      ...(picture.key && { orientation: picture.captureMs < turnedFrom ? (6 as const) : (1 as const) }),
    })),
  );
  const segments = folder.index.of(camera).toSorted((a, b) => a.fromMs - b.fromMs);
  expect(segments).toHaveLength(2);
  const rotation = (file: string) =>
    execFileSync("ffprobe", [
      ...["-v", "error", "-select_streams", "v", "-show_entries", "stream_side_data=rotation"],
      ...["-of", "default=nw=1:nk=1", file],
    ])
      .toString()
      .trim();
  expect(segments.map((segment) => rotation(folder.pathOf(segment)))).toEqual(["-90", ""]);
  const { file, movie } = await movieFile(folder, startMs, startMs + 10_000);
  expect(rotation(file)).toBe("-90");
  expect(movie.toMs).toBeLessThan(turnedFrom + 600);
});
