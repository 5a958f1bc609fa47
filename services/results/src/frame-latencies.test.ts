import { cameraName, FrameDetections, toTimestamp } from "@sightline/contracts";
import { expect, test } from "vitest";
import { FrameLatencies } from "./frame-latencies.ts";

const now = 1_000_000_000_000;
const latencies = new FrameLatencies({ ageMs: (stampMs) => now - stampMs });

/** A frame whose capture was stamped `agoMs` before now, of which its stages explain 10 ms. */
function frame(agoMs: number): FrameDetections {
  return FrameDetections.fromPartial({
    frame: { camera: cameraName("front"), captureTime: toTimestamp(now - agoMs) },
    timings: { decodeUs: 4_000, queueUs: 1_000, inferUs: 5_000 },
  });
}

test("the age is the sum of the stages and of the time since the frame was stored", () => {
  expect(latencies.of(frame(50), now - 40)).toEqual({
    ms: 50,
    stagesMs: [4, 1, 0, 5, 0, 0],
    deliverMs: 40,
    clockOffsetMs: 0,
  });
  expect(latencies.of(frame(10), now + 1)?.ms).toBe(10);
  expect(latencies.of(FrameDetections.fromPartial({}), now)).toBeUndefined();
});

test.each([3_600_000, -3_600_000])(
  "the camera's host may be %d ms behind: the age does not change, and it shows",
  (differenceMs) => {
    expect(latencies.of(frame(differenceMs + 50), now - 40)).toMatchObject({
      ms: 50,
      clockOffsetMs: differenceMs,
    });
  },
);
