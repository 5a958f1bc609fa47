import { CameraStatus } from "@sightline/contracts";
import { expect, test } from "vitest";
import { affordableRate } from "./affordable-rate.ts";

const cameras = (count: number, captureFps: number, inferenceFps: number) =>
  Array.from({ length: count }, () => ({ status: CameraStatus.fromPartial({ captureFps, inferenceFps }) }));

test("cameras of which all is inferred keep their own rate", () => {
  expect(affordableRate(cameras(2, 10, 9.8))).toEqual({ inferredFps: 19.6, perCamera: undefined });
});

test("cameras that are too much for the machine get what it infers, with some left free", () => {
  expect(affordableRate(cameras(4, 10, 7))).toEqual({ inferredFps: 28, perCamera: 6 });
});

test("less than one frame a second is told in tenths, and is never nothing", () => {
  expect(affordableRate(cameras(16, 10, 0.5)).perCamera).toBe(0.4);
  expect(affordableRate(cameras(16, 10, 0.01)).perCamera).toBe(0.1);
});
