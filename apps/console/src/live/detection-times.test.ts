import type { LivePicture } from "@sightline/contracts";
import { expect, it } from "vitest";
import { DetectionTimes } from "./detection-times.ts";

const analysed = (captureTimeMs: number, latencyMs = 100): LivePicture => ({
  ...{ camera: "front", epoch: "e", number: captureTimeMs },
  ...{ captureTimeMs, latencyMs, detections: [] },
});

it("gives a picture the boxes of its own frame, or of the last analysed one before it", () => {
  const times = new DetectionTimes();
  for (const captureMs of [1000, 1250, 1500]) times.add(analysed(captureMs));
  expect(times.at(1250.4)?.number).toBe(1250);
  expect(times.at(1249.5)?.number).toBe(1250);
  expect(times.at(1490)?.number).toBe(1250);
  expect(times.at(2400)?.number).toBe(1500);
});

it("gives none that are of another time", () => {
  const times = new DetectionTimes();
  times.add(analysed(1000));
  expect(times.at(990)).toBeUndefined();
  expect(times.at(2100)).toBeUndefined();
});

it("asks for a delay in which detections are there, within bounds", () => {
  const times = new DetectionTimes();
  expect(times.delaySeconds).toBe(0.5);
  times.add(analysed(1000, 900));
  expect(times.delaySeconds).toBeCloseTo(1.2);
  for (let i = 0; i < 200; i++) times.add(analysed(1000 + i, 50));
  expect(times.delaySeconds).toBe(0.5);
  times.add(analysed(2000, 60_000));
  expect(times.delaySeconds).toBe(3);
});
