import { FrameDetections, toTimestamp } from "@sightline/contracts";
import { expect, test } from "vitest";
import { Statistics } from "./statistics.ts";

const start = Date.parse("2026-03-01T08:00:00Z");

test("the rate is that of the camera's frames, however fast they come after the first waited", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 8; i++) {
    const frame = { camera: "cameras/front", captureTime: toTimestamp(start + 200 * i) };
    statistics.record(FrameDetections.fromPartial({ frame, timings: {} }), start + 1_500 + i);
    expect(statistics.fps("front")).toBe(i < 5 ? 0 : 5);
  }
});
