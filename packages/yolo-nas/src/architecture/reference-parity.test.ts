/** Against modern-yolonas, as recorded by fixtures/record_reference.py: same weights, same image, same outputs. */
import { describe, expect, test } from "vitest";
import { hashedStateDict, hashedUniform } from "../../fixtures/hashed-weights.ts";
import { reference } from "../../fixtures/reference.ts";
import { encodeModel } from "../onnx/index.ts";
import * as ort from "../runtime/onnx-runtime.ts";
import { StateDictWeights } from "../weights/state-dict-weights.ts";
import { architecture } from "./architectures.ts";
import { buildModel } from "./build-model.ts";
import { countParameters, stateDictLayout } from "./state-dict-layout.ts";

const { width, height } = reference;
const classes = Array.from({ length: reference.classes }, (_, i) => `class${i}`);

describe.each(reference.records)("$arch in $form form", (record) => {
  const spec = architecture(record.arch);
  const layout = stateDictLayout(spec, reference.classes, record.form);

  test("computes the reference's boxes and scores", async () => {
    const graph = buildModel(spec, new StateDictWeights(hashedStateDict(layout)), { width, height, classes });
    const session = await ort.InferenceSession.create(encodeModel(graph), { intraOpNumThreads: 1 });
    const pixels = hashedUniform("input", 3 * height * width);
    const image = Float32Array.from(pixels, (value) => Math.floor(value * 256) / 255);
    const result = await session.run({ images: new ort.Tensor("float32", image, [1, 3, height, width]) });
    expect(largestDifference(result.boxes!.data as Float32Array, record.boxes)).toBeLessThanOrEqual(1e-3);
    expect(largestDifference(result.scores!.data as Float32Array, record.scores)).toBeLessThanOrEqual(1e-5);
    await session.release();
  }, 120_000);

  test("has the reference's tensors", () => {
    expect(layout.size).toBe(record.tensors);
  });
});

describe.each(Object.entries(reference.parameters80))("%s with 80 classes", (name, expected) => {
  const counts = countParameters(architecture(name), 80);

  test("has as many parameters as PyTorch counts in the training form", () => {
    expect(counts.training + counts.placeholders).toBe(expected.training);
  });

  test("has as many weights and biases as PyTorch's fused form", () => {
    expect(counts.fused).toBe(expected.fused);
  });
});

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(actual[i]! - expected[i]!));
  return largest;
}
