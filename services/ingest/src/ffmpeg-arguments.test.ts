import { execFileSync } from "node:child_process";
import { findFfmpeg } from "@sightline/rtsp";
import { expect, test } from "vitest";
import { samplingExpression } from "./ffmpeg-arguments.ts";

const side = 16;

/**
 * Numbers of the frames that ffmpeg lets pass, of a camera that sends `rate` frames per second; `time` is the stream's time of
 * frame N in seconds.
 */
async function passed(rate: number, seconds: number, fps: number, time = `N/${rate}`): Promise<number[]> {
  const expression = samplingExpression(fps, `n/${rate}`);
  const pixels = execFileSync(await findFfmpeg(process.env.FFMPEG_PATH), [
    ...["-loglevel", "fatal", "-f", "lavfi", "-i", `color=s=${side}x${side}:r=${rate}:d=${seconds}`],
    "-vf",
    [
      // The picture bears its number, since its time may not tell it.
      ...["format=gray", "geq=lum=mod(N\\,256)", "settb=1/90000", `setpts='(${time})/TB'`],
      ...(expression === undefined ? [] : [`select='${expression}'`]),
    ].join(","),
    ...["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"],
  ]);
  const numbers: number[] = [];
  for (let at = 0; at < pixels.length; at += side * side) {
    const last = numbers.at(-1) ?? 0;
    numbers.push(last + ((pixels[at]! - last) & 255));
  }
  return numbers;
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
  // Up to 40% of a frame's time early or late.
  expect((await passed(10, 60, 10, "N/10+0.04*sin(N*7)")).length).toBe(600);
});

test.each([
  ["one timestamp in 20 jumps 9800 s ahead", "if(eq(mod(N,20),10),N/10+9800,N/10)"],
  ["one in 20 jumps back", "if(eq(mod(N,20),10),N/10-9800,N/10)"],
  ["they stand still", "0"],
  ["they come in pairs", "floor(N/2)/5"],
  ["they run at ten times the speed", "N"],
  ["they run backwards", "-N/10"],
])("the rate holds when %s", async (_, time) => {
  const numbers = await passed(10, 60, 1, time);
  expect(Math.abs(numbers.length - 60)).toBeLessThanOrEqual(3);
});
