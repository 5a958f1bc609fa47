import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { LiveMovie, type LivePart } from "./live-movie.ts";
import { orientationOf } from "./mp4/movie-box.ts";
import {
  type NumberedOptions,
  numberedVideo,
  probed,
  sentPictures,
  shownNumbers,
} from "./testing/numbered-video.ts";

async function fileOf(parts: readonly LivePart[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sightline-live-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "live.mp4");
  await writeFile(file, Buffer.concat(parts.map(({ data }) => data)));
  return file;
}

const timesOf = (parts: readonly LivePart[]) =>
  parts.flatMap((part) => (part.type === "pictures" ? part.times : []));

const streams: [name: string, options: NumberedOptions, codec: RegExp][] = [
  ["H.264 without B-frames", { encode: ["-bf", "0"] }, /^avc1\.[0-9A-F]{6}$/],
  ["H.264 with B-frames", { encode: ["-bf", "3", "-b_strategy", "0"] }, /^avc1\.[0-9A-F]{6}$/],
  ["H.265", { codec: "H265" }, /^hvc1\.1\.6\.L60\.90$/],
];

test.each(streams)("%s becomes a movie, picture by picture", async (_, options, codec) => {
  const clip = await numberedVideo(options);
  const sent = sentPictures(clip);
  const movie = new LiveMovie(clip.codec);
  const parts = sent.flatMap((picture) => movie.push(picture));
  const [start] = parts;
  expect(start).toMatchObject({
    type: "start",
    codec: expect.stringMatching(codec),
    width: 384,
    height: 128,
  });
  expect(parts.filter(({ type }) => type === "start")).toHaveLength(1);

  const file = await fileOf(parts);
  const { complaints, packets } = await probed(file);
  expect(complaints).toBe("");
  const times = timesOf(parts);
  // Only the last picture, and those that are shown before it, wait for what comes after.
  expect(sent.length - times.length).toBeLessThanOrEqual(4);
  expect(packets.map(({ pts }) => pts)).toEqual(times.map(([seconds]) => expect.closeTo(seconds, 4)));
  const numbers = await shownNumbers(file);
  const captured = new Map(times.map(([seconds, captureMs]) => [seconds, captureMs]));
  const inOrder = [...captured.keys()].sort((a, b) => a - b);
  expect(numbers).toEqual(inOrder.map((seconds) => Math.round((seconds - inOrder[0]!) * 25)));
  for (const [i, { captureMs }] of sent.slice(0, times.length).entries())
    expect(times[i]![1]).toBe(captureMs);
});

test("begins with the first key picture, and goes on at the next after some were left out", async () => {
  const clip = await numberedVideo({ keyEvery: 25, encode: ["-bf", "0"] });
  const movie = new LiveMovie(clip.codec);
  const parts = sentPictures(clip).flatMap((picture, i) => {
    if (i < 10) return [];
    if (i === 40) movie.skip();
    return movie.push(picture);
  });
  expect(parts.filter(({ type }) => type === "start")).toHaveLength(1);
  const expected = [...range(25, 38), ...range(50, 98)];
  expect(await shownNumbers(await fileOf(parts))).toEqual(expected);
  const seconds = timesOf(parts).map(([each]) => each);
  expect(seconds[expected.indexOf(50)]! - seconds[0]!).toBeCloseTo(1, 3);
});

test("pictures that are turned otherwise are another movie, which says how players turn it and the upright size", async () => {
  const movie = new LiveMovie("H264");
  const clip = await numberedVideo({ seconds: 3 });
  const parts = sentPictures(clip).flatMap((picture, i) =>
    movie.push({ ...picture, ...(picture.key && { orientation: i < 50 ? 1 : 6 }) }),
  );
  const starts = parts.filter((part) => part.type === "start");
  expect(starts).toMatchObject([
    { width: 384, height: 128 },
    { width: 128, height: 384 },
  ]);
  expect(starts.map(({ data }) => orientationOf(data.subarray(data.readUInt32BE(0))))).toEqual([1, 6]);
});

test("a stream of another size is another movie", async () => {
  const [small, large] = await Promise.all([
    numberedVideo({ seconds: 1, encode: ["-bf", "0"] }),
    numberedVideo({ seconds: 1, encode: ["-bf", "0"], size: [768, 256] }),
  ]);
  const movie = new LiveMovie("H264");
  const first = sentPictures(small).flatMap((picture) => movie.push(picture));
  const later = { startMs: 1_764_000_001_000, startPtsUs: 1_000_000 };
  const second = sentPictures(large, later).flatMap((picture) => movie.push(picture));
  const starts = [...first, ...second].filter(({ type }) => type === "start");
  expect(starts).toMatchObject([{ width: 384 }, { width: 768, height: 256 }]);
  expect(await shownNumbers(await fileOf(second.slice(second.indexOf(starts[1]!))))).toEqual(range(0, 23));
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
