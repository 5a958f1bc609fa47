import { execFileSync } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { computeLetterbox, type Size } from "../detection/letterbox.ts";
import type { EvaluationError } from "../errors.ts";
import { type FileFrame, readFrames, type StreamSource } from "./picture-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sightline-pictures-"));
  const make = (size: string, frames: number, name: string) =>
    execFileSync("ffmpeg", [
      ...["-loglevel", "error", "-f", "lavfi", "-i", `color=red:size=${size}:rate=10,hue=b=n/20`],
      ...["-frames:v", String(frames), join(folder, name)],
    ]);
  make("64x48", 7, "clip.mp4");
  make("32x20", 1, "b.png");
  make("40x30", 1, "a.png");
});
afterAll(() => rm(folder, { recursive: true }));

const half = {
  letterbox: (source: Size) => {
    const input = { width: source.width / 2, height: source.height / 2 };
    return computeLetterbox(source, input, input);
  },
};

/** The clip as a stream that ffmpeg is told of on its stdin. */
const stream = (count: number, intervalSeconds: number): StreamSource => ({
  name: "rtsp://camera.test/live",
  facts: { display: { width: 64, height: 48 }, interlaced: false },
  inputArguments: [
    ...["-hide_banner", "-loglevel", "error", "-nostdin"],
    ...["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,file", "-i", "pipe:0"],
  ],
  feed: (stdin) => void stdin.end(`ffconcat version 1.0\nfile 'file:${join(folder, "clip.mp4")}'\n`),
  count,
  intervalSeconds,
});

async function all(
  path: string | StreamSource,
  options: Parameters<typeof readFrames>[1] = half,
): Promise<FileFrame[]> {
  return Array.fromAsync(readFrames(path, options));
}

describe("readFrames", () => {
  it("gives every frame of a video, scaled, in G, B, R planes", async () => {
    const frames = await all(join(folder, "clip.mp4"));
    expect(frames.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(frames[0]).toMatchObject({
      width: 32,
      height: 24,
      letterbox: { source: { width: 64, height: 48 } },
    });
    const plane = 32 * 24;
    const [green, blue, red] = [0, 1, 2].map((i) => frames[6]!.pixels[i * plane + 100]!);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green!, blue!)).toBeLessThan(40);
  });

  it("centres a picture of another shape on grey", async () => {
    const input = { width: 64, height: 64 };
    const options = { letterbox: (source: Size) => computeLetterbox(source, input, input) };
    const [frame] = await all(join(folder, "b.png"), options);
    const rowOf = (y: number) => frame!.pixels.subarray(2 * 64 * 64 + y * 64, 2 * 64 * 64 + (y + 1) * 64);
    expect(new Set([...rowOf(0), ...rowOf(11), ...rowOf(52), ...rowOf(63)])).toEqual(new Set([114]));
    expect(Math.min(...rowOf(12), ...rowOf(51))).toBeGreaterThan(200);
  });

  it("gives presentation times when asked, also of a video whose frames are not evenly spaced", async () => {
    const uneven = join(folder, "uneven.mkv");
    execFileSync("ffmpeg", [
      ...["-loglevel", "error", "-f", "lavfi", "-i", "color=red:size=64x48:rate=10"],
      ...["-vf", "select='not(between(n,2,4))'", "-fps_mode", "passthrough", "-frames:v", "4", uneven],
    ]);
    const times = async (path: string, every = 1) =>
      (await all(path, { ...half, times: true, every })).map(({ ptsUs }) => ptsUs);
    expect(await times(uneven)).toEqual([0, 100_000, 500_000, 600_000]);
    expect(await times(join(folder, "clip.mp4"), 3)).toEqual([0, 300_000, 600_000]);
    expect((await all(uneven))[1]!.ptsUs).toBeUndefined();
  });

  it("takes every nth frame", async () => {
    expect(await all(join(folder, "clip.mp4"), { ...half, every: 3 })).toHaveLength(3);
  });

  it("gives a folder's pictures by name, each from its own size", async () => {
    const frames = await all(folder);
    expect(frames.map(({ name, width, height }) => [name, width, height])).toEqual([
      ["a.png", 20, 15],
      ["b.png", 16, 10],
    ]);
  });

  it("takes frames of a stream, an interval apart", async () => {
    const every = await all(stream(7, 0));
    const some = await all(stream(3, 0.25));
    expect(some.map(({ index, name }) => [index, name])).toEqual(
      [0, 1, 2].map((index) => [index, "rtsp://camera.test/live"]),
    );
    // At 10 frames a second the next frame 0.25 s or more later is the third.
    expect(some.map(({ pixels }) => pixels)).toEqual([0, 3, 6].map((index) => every[index]!.pixels));
  });

  it("says how far a stream came that ends too early", async () => {
    await expect(all(stream(4, 0.25))).rejects.toMatchObject({
      code: "stream_ended",
      message: expect.stringContaining("3 of 4"),
    });
  });

  it("tells a missing path from a file that is no picture", async () => {
    await expect(all(join(folder, "none"))).rejects.toMatchObject({ code: "image_missing" });
    await writeFile(join(folder, "text.txt"), "no picture");
    await expect(all(join(folder, "text.txt"))).rejects.toMatchObject({ code: "image_missing" });
  });

  it("scales pictures as they are shown, and tells how they are stored", async () => {
    const path = join(folder, "squeezed.mp4");
    const stretch = ["-vf", "scale=32:48,setsar=2", path];
    execFileSync("ffmpeg", ["-loglevel", "error", "-i", join(folder, "clip.mp4"), ...stretch]);
    const frames = await all(path);
    expect(frames).toHaveLength(7);
    expect(frames[0]).toMatchObject({
      width: 32,
      height: 24,
      stored: { width: 32, height: 48 },
      letterbox: { source: { width: 64, height: 48 } },
    });
  });

  it("reads what there is of a video that is cut short, and the rest of a folder with a bad picture, and says so", async () => {
    const bad = await mkdtemp(join(folder, "bad-"));
    const clip = await readFile(join(folder, "clip.mp4"));
    const fast = [
      "-i",
      join(folder, "clip.mp4"),
      "-c",
      "copy",
      "-movflags",
      "+faststart",
      join(bad, "fast.mp4"),
    ];
    execFileSync("ffmpeg", ["-loglevel", "error", ...fast]);
    await truncate(join(bad, "fast.mp4"), clip.length - 100);
    await expect(all(join(bad, "fast.mp4"))).rejects.toMatchObject({ code: "cut_short" });
    const failures: string[] = [];
    const onFailure = ({ code, message }: EvaluationError) => failures.push(`${code}: ${message}`);
    const frames = await all(join(bad, "fast.mp4"), { ...half, onFailure });
    expect(frames.length).toBeGreaterThan(0);
    await writeFile(join(bad, "0.png"), "no picture");
    await copyFile(join(folder, "a.png"), join(bad, "1.png"));
    expect((await all(bad, { ...half, onFailure })).map(({ name }) => name)).toEqual(["1.png"]);
    expect(failures).toEqual([
      expect.stringMatching(/^cut_short: .*fast.mp4 is cut short.*frames? (was|were) read/),
      expect.stringMatching(/^image_missing: .*0.png is no picture/),
    ]);
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    const frames = readFrames(join(folder, "clip.mp4"), { ...half, signal: controller.signal });
    await frames.next();
    controller.abort(new Error("enough"));
    await expect(Array.fromAsync(frames)).rejects.toThrow("enough");
  });
});
