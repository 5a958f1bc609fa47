import { CameraStatus, FrameDetections, toTimestamp } from "@sightline/contracts";
import { expect, test } from "vitest";
import { affordableRate } from "./affordable-rate.ts";
import { roundedPercentiles, Statistics } from "./statistics.ts";

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

test("nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(roundedPercentiles(hundred)).toEqual({ p50: 50, p95: 95, p99: 99 });
  expect(roundedPercentiles([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
  expect(roundedPercentiles([])).toEqual({ p50: 0, p95: 0, p99: 0 });
});

const start = Date.parse("2026-03-01T08:00:00Z");

test("the rate is that of the camera's frames, however fast they come after the first waited", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 8; i++) {
    const frame = { camera: "cameras/front", captureTime: toTimestamp(start + 200 * i) };
    statistics.record(FrameDetections.fromPartial({ frame, timings: {} }), start + 1_500 + i);
    expect(statistics.fps("front")).toBe(i < 5 ? 0 : 5);
  }
});
