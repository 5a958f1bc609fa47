import { cameraName, FrameDetections, toTimestamp } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";

/** Values for a sample frame. */
export interface SampleFrame {
  camera?: string;
  epoch?: string;
  number: number;
  /** Default: the number before. */
  previousNumber?: number;
  /** Class and score of each detection. */
  found?: readonly (readonly [className: string, score: number])[];
}

/** A frame's detections as a worker publishes them, captured now. */
export function sampleFrame({
  camera = "front",
  epoch = "e1",
  found = [["person", 0.9]],
  ...sample
}: SampleFrame) {
  const { number, previousNumber = number - 1 } = sample;
  return FrameDetections.fromPartial({
    frame: {
      camera: cameraName(camera),
      epoch,
      number,
      previousNumber,
      captureTime: toTimestamp(wallClockMs()),
      sourceWidth: 768,
      sourceHeight: 576,
    },
    // Side by side, so that each is a separate object.
    detections: found.map(([className, score], i) => ({
      classId: 0,
      className,
      score,
      pixelBox: boxAt(10 + 24 * (i % 30), 20 + 64 * Math.floor(i / 30)),
      normalizedBox: { xMin: 0.1, yMin: 0.2, xMax: 0.3, yMax: 0.8 },
    })),
    timings: { decodeUs: 4_000, queueUs: 1_000, batchUs: 2_000, inferUs: 30_000, postUs: 1_000 },
    inference: {
      model: "yolo-nas-pedestrians",
      precision: "int8",
      executionProvider: "cpu",
      worker: "w1",
      batchSize: 1,
    },
  });
}

function boxAt(xMin: number, yMin: number) {
  return { xMin, yMin, xMax: xMin + 20, yMax: yMin + 60 };
}
