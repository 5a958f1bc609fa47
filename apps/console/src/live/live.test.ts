import type { LivePicture } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { DetectionTimes } from "./detection-times.ts";
import { classColor, labelText } from "./draw-picture.ts";
import { boxToCanvas, fit, toCanvas, toPicture } from "./view-transform.ts";
import { PictureBudget } from "./watch-list.ts";

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

const box: [number, number, number, number] = [0, 0, 1, 1];

it("writes more at a box the larger the picture is", () => {
  const detection = { trackId: "mb3x9k-12", className: "person", score: 0.874, box };
  expect(labelText(detection, "full")).toBe("person #12 87%");
  const known = { ...detection, attributes: { colour: { value: "red", score: 0.9 } } };
  expect(labelText(known, "full")).toBe("person red #12 87%");
  expect(labelText(detection, "short")).toBe("person #12");
  expect(labelText(detection, "id")).toBe("#12");
});

it("names the class of what has no track", () => {
  const detection = { trackId: "", className: "dog", score: 0.5, box };
  expect(labelText(detection, "full")).toBe("dog 50%");
  expect(labelText(detection, "id")).toBe("dog");
});

it("gives a class the same colour each time, and common classes different ones", () => {
  expect(classColor("zebra")).toBe(classColor("zebra"));
  expect(new Set(["person", "car", "bicycle", "dog", "truck", "bus"].map(classColor)).size).toBe(6);
});

describe("picture budget", () => {
  it("shares pictures among the cameras shown", () => {
    const budget = new PictureBudget();
    expect(budget.maxFps(1)).toBe(25);
    expect(budget.maxFps(16)).toBe(10);
    expect(budget.maxFps(64)).toBe(2.5);
    expect(budget.maxFps(0)).toBe(25);
  });

  it("shrinks while the page is slow, down to a floor, and grows back", () => {
    const budget = new PictureBudget();
    for (let second = 0; second < 20; second++) budget.report(12);
    expect(budget.maxFps(16)).toBe(1.5);
    expect(budget.report(12)).toBe(false);
    for (let second = 0; second < 60; second++) budget.report(60);
    expect(budget.maxFps(16)).toBe(15);
    expect(budget.report(48)).toBe(false);
  });
});

describe("view transform", () => {
  it("shows a picture whole and in the middle", () => {
    expect(fit({ width: 768, height: 576 }, { width: 320, height: 180 })).toEqual({
      x: 40,
      y: 0,
      width: 240,
      height: 180,
    });
    expect(fit({ width: 200, height: 50 }, { width: 100, height: 100 })).toEqual({
      x: 0,
      y: 37,
      width: 100,
      height: 25,
    });
  });

  it("fills the canvas when the picture's size is unknown", () => {
    expect(fit({ width: 0, height: 0 }, { width: 320, height: 180 })).toEqual({
      x: 0,
      y: 0,
      width: 320,
      height: 180,
    });
  });

  it("maps boxes and points into the picture, not the canvas", () => {
    const view = { x: 40, y: 0, width: 240, height: 180 };
    expect(boxToCanvas([0.25, 0.5, 0.5, 1], view)).toEqual({ x: 100, y: 90, width: 60, height: 90 });
    expect(toPicture(toCanvas([0.3, 0.7], view), view)).toEqual([expect.closeTo(0.3), expect.closeTo(0.7)]);
  });

  it("puts points beyond the picture on its edge", () => {
    const view = { x: 40, y: 0, width: 240, height: 180 };
    expect(toPicture([0, 500], view)).toEqual([0, 1]);
  });
});
