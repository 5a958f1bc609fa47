import { execFileSync } from "node:child_process";
import { findFfmpeg } from "@sightline/rtsp";
import { expect, test } from "vitest";
import { samplingExpression } from "./sampling.ts";

/** Numbers of the frames that ffmpeg lets pass, of a source at `rate` frames per second with its times moved by `jitter`. */
async function passed(rate: number, seconds: number, fps: number, jitter = "0"): Promise<number[]> {
  const expression = samplingExpression(fps);
  const output = execFileSync(
    await findFfmpeg(process.env.FFMPEG_PATH),
    [
      ...["-loglevel", "error", "-f", "lavfi", "-i", `color=s=16x16:r=${rate}:d=${seconds}`],
      "-vf",
      [
        "settb=1/90000",
        `setpts='N/${rate}/TB+(${jitter})/TB'`,
        ...(expression === undefined ? [] : [`select='${expression}'`]),
      ].join(","),
      ...["-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-f", "framecrc", "pipe:1"],
    ],
    { encoding: "utf8" },
  );
  return output
    .split("\n")
    .filter((line) => /^0,/.test(line))
    .map((line) => Math.round((Number(line.split(",")[2]) / 90_000) * rate));
}

test.each([
  [25, 10],
  [30, 7],
  [10, 3],
  [29.97, 12.5],
  [25, 24],
  [10, 0.5],
])("of %d frames per second %d pass on average, evenly", async (rate, fps) => {
  const seconds = 60;
  const numbers = await passed(rate, seconds, fps);
  expect(Math.abs(numbers.length - seconds * fps)).toBeLessThanOrEqual(1);
  // The first frame leaves half a frame of credit, so the second may come early.
  const steady = numbers.slice(1);
  const gaps = steady.slice(1).map((number, i) => number - steady[i]!);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.floor(rate / fps));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(Math.ceil(rate / fps));
});

test.each([
  [10, 10],
  [10, 25],
  [15, 0],
])("of %d frames per second all pass when %d are asked", async (rate, fps) => {
  expect((await passed(rate, 20, fps)).length).toBe(rate * 20);
});

test("a camera at exactly the asked rate loses no frame by its jitter", async () => {
  // Up to 40 % of a frame's time early or late.
  expect((await passed(10, 60, 10, "0.04*sin(N*7)")).length).toBe(600);
});
