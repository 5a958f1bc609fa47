import { FrameMetadata, Inference, PixelFormat } from "@sightline/contracts";
import { DEFAULT_THRESHOLDS, type ModelManifest } from "@sightline/yolo-nas";
import { expect, test } from "vitest";
import { frameDetections, frameResult } from "./frame-result.ts";

// Frames of 640×384 that the graph pads to 640×640, as for 16:9 pictures.
const model = {
  name: "m",
  input: { width: 640, height: 640 },
  frame: { width: 640, height: 384 },
  classes: ["person", "car"],
  thresholds: DEFAULT_THRESHOLDS,
} as unknown as ModelManifest;
// 1280×720, scaled by a half, 12 pixels of padding above and below within the frame.
const frame = FrameMetadata.fromPartial({
  camera: "cameras/front",
  epoch: "e",
  number: 3,
  sourceWidth: 1280,
  sourceHeight: 720,
  width: 640,
  height: 384,
  pixelFormat: PixelFormat.GBRP,
  letterbox: { left: 0, top: 12, width: 640, height: 360 },
  decodeUs: 1_000,
  queueUs: 2_000,
});
const row = (offset: number) => [100, offset + 50, 200, offset + 150];
// Two frames in the batch; in the second a person at 0.9 and a car at 0.4, one below the other.
const outputs = {
  batch: 2,
  candidates: 2,
  classCount: 2,
  boxes: Float32Array.from([...row(0), ...row(0), ...row(140), ...row(340)]),
  scores: Float32Array.from([0, 0, 0, 0, 0.9, 0.1, 0.05, 0.4]),
};
const all = { minScore: 0, classes: undefined };

test("boxes of a frame in the batch, in the camera's pixels and as shares of its picture", () => {
  const found = frameResult(outputs, 1, frame, model, all);
  expect(found.map(({ className, classId }) => [className, classId])).toEqual([
    ["person", 0],
    ["car", 1],
  ]);
  // Padding above: 128 by the graph and 12 in the frame; (190 − 140) × 2 = 100.
  expect(found[0]!.pixelBox).toEqual({ xMin: 200, yMin: 100, xMax: 400, yMax: 300 });
  expect(found[0]!.normalizedBox!.yMin).toBeCloseTo(100 / 720, 6);
  expect(found[0]!.score).toBeCloseTo(0.9, 6);
  expect(frameResult(outputs, 0, frame, model, all)).toEqual([]);
});

test("boxes in a frame over which the picture was stretched", () => {
  const stretching = { ...model, frame: model.input, placement: "stretch" } as unknown as ModelManifest;
  const letterbox = { left: 0, top: 0, width: 640, height: 640 };
  const [found] = frameResult(outputs, 1, { ...frame, height: 640, letterbox }, stretching, all);
  expect(found!.pixelBox).toEqual({ xMin: 200, yMin: 213.75, xMax: 400, yMax: 326.25 });
});

test.each([
  ["a higher score", { minScore: 0.5, classes: undefined }, ["person"]],
  ["a lower score than the model's own", { minScore: 0.08, classes: undefined }, ["person", "car", "car"]],
  ["a class", { minScore: 0, classes: new Set(["car"]) }, ["car"]],
  ["a class that the model does not know", { minScore: 0, classes: new Set(["unicorn"]) }, []],
])("a camera's filter by %s", (_, filter, classes) => {
  expect(frameResult(outputs, 1, frame, model, filter).map(({ className }) => className)).toEqual(classes);
});

test("stages follow each other without gap, in microseconds", () => {
  const times = { requestedAt: 100, startedAt: 104.5, runMs: 50.25, publishedAt: 156 };
  expect(frameDetections(frame, [], Inference.create(), times).timings).toMatchObject({
    decodeUs: 1_000,
    queueUs: 2_000,
    batchUs: 4_500,
    inferUs: 50_250,
    postUs: 1_250,
  });
});
