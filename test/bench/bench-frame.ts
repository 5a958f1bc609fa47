import { cameraName, FrameDetections, toTimestamp } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";

/** The camera whose frames subscribers get. */
export const benchCamera = "bench";

/** A frame with four people in it, captured now: some 400 bytes on the wire. */
export function benchFrame(number: number): FrameDetections {
  return FrameDetections.fromPartial({
    frame: {
      camera: cameraName(benchCamera),
      epoch: "bench",
      number,
      previousNumber: number - 1,
      captureTime: toTimestamp(wallClockMs()),
      ptsUs: number * 33_333,
      sourceWidth: 1920,
      sourceHeight: 1080,
      width: 640,
      height: 384,
    },
    detections: [0.1, 0.3, 0.5, 0.7].map((xMin) => ({
      className: "person",
      score: 0.9,
      pixelBox: { xMin: xMin * 1920, yMin: 400, xMax: xMin * 1920 + 100, yMax: 700 },
      normalizedBox: { xMin, yMin: 0.4, xMax: xMin + 0.05, yMax: 0.65 },
    })),
    timings: { decodeUs: 4_000, queueUs: 1_000, batchUs: 2_000, inferUs: 30_000, postUs: 1_000 },
    inference: { model: "bench", modelDigest: "0123456789ab", precision: "int8", executionProvider: "cpu" },
  });
}
