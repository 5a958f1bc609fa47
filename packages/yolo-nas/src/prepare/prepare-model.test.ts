/** Prepared models against the original pipeline, and against exports as PyTorch and modern-yolonas write them. */
import { describe, expect, test } from "vitest";
import { hashedStateDict, hashedUniform } from "../../fixtures/hashed-weights.ts";
import { exportPath, exportsPicture, exportsReference, reference, toGbr } from "../../fixtures/reference.ts";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { stateDictLayout } from "../architecture/state-dict-layout.ts";
import { DEFAULT_THRESHOLDS, decodeCandidates } from "../detection/decode-candidates.ts";
import { computeLetterbox, PAD_VALUE } from "../detection/letterbox.ts";
import { InvalidArgumentError, ModelFileError, UnknownModelError } from "../errors.ts";
import { encodeModel, loadModel } from "../onnx/index.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { StateDictWeights } from "../weights/state-dict-weights.ts";
import { prepareModel } from "./prepare-model.ts";
import { preparedMetadata } from "./prepared-form.ts";

const input = { width: reference.width, height: reference.height };
const source = { width: 80, height: 60 };

function recordedModel() {
  const spec = architecture("yolo_nas_xs");
  const weights = new StateDictWeights(hashedStateDict(stateDictLayout(spec, 3, "training")));
  return buildModel(spec, weights, { ...input, classes: ["a", "b", "c"] });
}

/** The recorded picture, interleaved RGB, as planes G, B, R. */
function recordedPicture(): Uint8Array {
  const values = hashedUniform("picture", 3 * source.width * source.height);
  const count = source.width * source.height;
  const planes = new Uint8Array(3 * count);
  for (const [plane, channel] of [1, 2, 0].entries()) {
    for (let i = 0; i < count; i++) planes[plane * count + i] = Math.floor(values[3 * i + channel]! * 256);
  }
  return planes;
}

function padded(planes: Uint8Array): Uint8Array {
  const target = new Uint8Array(3 * input.width * input.height).fill(PAD_VALUE);
  const { left, top } = computeLetterbox(source, input);
  for (let row = 0; row < 3 * source.height; row++) {
    const plane = Math.floor(row / source.height);
    const y = plane * input.height + top + (row % source.height);
    target.set(planes.subarray(row * source.width, (row + 1) * source.width), y * input.width + left);
  }
  return target;
}

describe("the whole prepared pipeline", () => {
  test.each([
    ["padding done by the sender", undefined, (planes: Uint8Array) => padded(planes)],
    ["padding inside the graph", source, (planes: Uint8Array) => planes],
  ])("finds what the original pipeline finds, with %s", async (_, frame, pixels) => {
    const session = await DetectorSession.load(encodeModel(prepareModel(recordedModel(), { frame })), {
      threads: 1,
    });
    const outputs = await session.run(pixels(recordedPicture()), 1);
    const found = decodeCandidates(outputs, 0, DEFAULT_THRESHOLDS, computeLetterbox(source, input));
    const { boxes, scores, classes } = reference.pipeline;
    expect(found.map(({ classId }) => classId)).toEqual(classes);
    expect(
      difference(
        found.flatMap(({ box }) => box),
        boxes,
      ),
    ).toBeLessThanOrEqual(1e-3);
    expect(
      difference(
        found.map(({ score }) => score),
        scores,
      ),
    ).toBeLessThanOrEqual(1e-5);
    await session.stop();
  });

  test("gives every frame of a batch the same as alone", async () => {
    const session = await DetectorSession.load(encodeModel(prepareModel(recordedModel())), { threads: 1 });
    const picture = padded(recordedPicture());
    const mirrored = picture.toReversed();
    const alone = await session.run(mirrored, 1);
    const both = await session.run(Uint8Array.from([...picture, ...mirrored]), 2);
    expect(difference(both.boxes.subarray(alone.boxes.length), alone.boxes)).toBeLessThanOrEqual(1e-3);
    expect(difference(both.scores.subarray(alone.scores.length), alone.scores)).toBeLessThanOrEqual(1e-5);
    await session.stop();
  });

  test("reads frames from shared memory", async () => {
    const session = await DetectorSession.load(encodeModel(prepareModel(recordedModel())), { threads: 1 });
    const picture = padded(recordedPicture());
    const shared = new Uint8Array(new SharedArrayBuffer(picture.length));
    shared.set(picture);
    expect(await session.run(shared, 1)).toEqual(await session.run(picture, 1));
    await session.stop();
  });
});

describe.each([
  ["raw-static", 1e-3, 1e-5],
  ["raw-dynamic", 1e-3, 1e-5],
  ["frigate", 1e-3, 1e-5],
  ["raw-half", 0.5, 0.01],
])("the export %s", (name, boxTolerance, scoreTolerance) => {
  test("computes, once prepared, what PyTorch computed", async () => {
    const graph = prepareModel(await loadModel(exportPath(name)), { classes: ["cat", "dog"] });
    expect(graph.nodes.some(({ op }) => op === "BatchNormalization" || op === "NonMaxSuppression")).toBe(
      false,
    );
    const session = await DetectorSession.load(encodeModel(graph), { threads: 1 });
    const outputs = await session.run(toGbr(exportsPicture()), 1);
    const expected = bestFirst(exportsReference.boxes, exportsReference.scores, exportsReference.classes);
    const actual = bestFirst(outputs.boxes, outputs.scores, outputs.classCount);
    expect(difference(actual.scores, expected.scores)).toBeLessThanOrEqual(scoreTolerance);
    expect(nearestDifference(actual.boxes, expected.boxes)).toBeLessThanOrEqual(boxTolerance);
    await session.stop();
  });
});

test("keeps only the best candidates when asked to, best first", async () => {
  const all = await DetectorSession.load(encodeModel(prepareModel(recordedModel())), { threads: 1 });
  const few = await DetectorSession.load(encodeModel(prepareModel(recordedModel(), { topK: 10 })), {
    threads: 1,
  });
  const picture = padded(recordedPicture());
  const [every, best] = [await all.run(picture, 1), await few.run(picture, 1)];
  expect(best.candidates).toBe(10);
  expect([...best.scores]).toEqual([...every.scores.subarray(0, 30)]);
  const highest = bestFirst(every.boxes, every.scores, 3).order;
  expect(highest).toEqual(highest.toSorted((a, b) => a - b));
  await Promise.all([all.stop(), few.stop()]);
});

test("describes itself in its metadata", () => {
  const graph = prepareModel(recordedModel(), { frame: source });
  expect(preparedMetadata(graph.metadata)).toMatchObject({
    classes: ["a", "b", "c"],
    input,
    frame: source,
    fit: { width: 92, height: 60 },
    pixelFormat: "gbrp",
    padValue: 114,
    candidates: 126,
  });
  expect(() => preparedMetadata(new Map())).toThrow(ModelFileError);
});

test("refuses what it cannot prepare", () => {
  const model = recordedModel();
  expect(() => prepareModel(prepareModel(model))).toThrow(UnknownModelError);
  expect(() => prepareModel(model, { classes: ["one"] })).toThrow(InvalidArgumentError);
  expect(() => prepareModel(model, { frame: { width: 100, height: 60 } })).toThrow(InvalidArgumentError);
});

function bestFirst(boxes: ArrayLike<number>, scores: ArrayLike<number>, classCount: number) {
  const best = (i: number) =>
    Math.max(...Array.from({ length: classCount }, (_, c) => scores[i * classCount + c]!));
  const order = Array.from({ length: boxes.length / 4 }, (_, i) => i).sort((a, b) => best(b) - best(a));
  return {
    order,
    boxes: order.map((i) => [0, 1, 2, 3].map((side) => boxes[4 * i + side]!)),
    scores: order.map(best),
  };
}

function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual, (value, i) => Math.abs(value - expected[i]!)).reduce((a, b) => Math.max(a, b), 0);
}

/** Largest distance of a box from the nearest expected one: the order of nearly equal scores is not defined. */
function nearestDifference(actual: number[][], expected: number[][]): number {
  return Math.max(...actual.map((box) => Math.min(...expected.map((other) => difference(box, other)))));
}
