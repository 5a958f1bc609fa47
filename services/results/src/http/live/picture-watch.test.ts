import { FrameDetections } from "@sightline/contracts";
import { expect, test } from "vitest";
import { PictureWatch } from "./picture-watch.ts";

const frame = (number: number) => FrameDetections.fromPartial({ frame: { epoch: "e1", number } });

test("two pictures may be undrawn; then the newest frame waits for room", () => {
  const watch = new PictureWatch(640, 60);
  expect([1, 2, 3, 4].map((number) => watch.admit(frame(number), number * 1000))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(watch.drawn()?.frame?.number).toBe(4);
  expect(watch.drawn()).toBeUndefined();
  expect(watch.admit(frame(5), 5000)).toBe(true);
});

test("more drawn than sent makes no room for more than two", () => {
  const watch = new PictureWatch(640, 60);
  for (let i = 0; i < 5; i++) watch.drawn();
  expect([1, 2, 3].map((number) => watch.admit(frame(number), number * 1000))).toEqual([true, true, false]);
});

test("frames come at most as often as asked for, however uneven, and none is lost to unevenness", () => {
  const admitted = (everyMs: number, maxFps: number, jitter: (i: number) => number = () => 0) => {
    const watch = new PictureWatch(640, maxFps);
    let count = 0;
    for (let i = 0; i * everyMs < 10_000; i++)
      if (watch.admit(frame(i + 1), i * everyMs + jitter(i))) {
        count++;
        watch.drawn();
      }
    return count;
  };
  expect(admitted(40, 5)).toBeCloseTo(50, -1);
  expect(admitted(200, 5, (i) => (i % 2 ? 30 : -30))).toBe(50);
  expect(admitted(1000, 60)).toBe(10);
});

test("pictures of an epoch go forwards only", () => {
  const watch = new PictureWatch(640, 60);
  expect(watch.advance("e1", 5)).toBe(true);
  expect(watch.advance("e1", 4)).toBe(false);
  expect(watch.advance("e1", 5)).toBe(false);
  expect(watch.advance("e2", 1)).toBe(true);
});
