import { describe, expect, it } from "vitest";
import { attr, float32, OnnxGraph } from "../onnx/index.ts";
import { inverseFactor, roundAdaptively, roundingGuide } from "./adaptive-rounding.ts";
import { type InputMoments, measureInputMoments } from "./input-moments.ts";
import { findLayers } from "./quantization-plan.ts";
import { kernelOrder, LARGEST_PAIR, quantizeWeights, sameSign } from "./weight-quantization.ts";
import { fillPlanes } from "./write-qdq.ts";

/** Deterministic numbers in -1…1. */
function numbers(count: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Inputs that go together, as neighbouring pixels do: each is the one before and something new. */
function samples(rows: number, size: number, seed: number): Float64Array {
  const values = numbers(rows * size, seed);
  for (let i = 0; i < values.length; i++)
    values[i] = Math.abs(0.3 * values[i]! + (i % size > 0 ? 0.9 * values[i - 1]! : 1));
  return values;
}

/** What `measureInputMoments` gives of samples [row, input in kernel order], in one block. */
function momentsOf(inputs: Float64Array, size: number): InputMoments {
  const sums = new Float64Array(size * size);
  for (let row = 0; row < inputs.length; row += size)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) sums[i * size + j]! += inputs[row + i]! * inputs[row + j]!;
  return { size, blocks: [{ from: 0, width: size, sums }] };
}

describe("roundAdaptively", () => {
  const shape = { channels: 6, taps: 9 };
  const size = 45;
  const weights = Float32Array.from(numbers(shape.channels * size, 7));
  const order = kernelOrder(size, shape.taps);
  const guide = roundingGuide(momentsOf(samples(400, size, 1), size));
  const unseen = samples(400, size, 2);

  /** Mean squared error of the layer's output over inputs that the rounding was not shown. */
  function outputError({ values, scales }: { values: Int8Array; scales: Float32Array }): number {
    let sum = 0;
    for (let row = 0; row < unseen.length; row += size) {
      for (let channel = 0; channel < shape.channels; channel++) {
        let miss = 0;
        for (let k = 0; k < size; k++) {
          const at = channel * size + order[k]!;
          miss += (values[at]! * scales[channel]! - weights[at]!) * unseen[row + k]!;
        }
        sum += miss * miss;
      }
    }
    return sum / (unseen.length / size) / shape.channels;
  }

  it.each(["pairs", "full"] as const)("makes up for its errors in outputs it never saw (%s)", (limit) => {
    const nearest = quantizeWeights(weights, shape, undefined, 1, limit);
    const adaptive = roundAdaptively(weights, shape, guide, limit);
    expect(outputError(adaptive)).toBeLessThan(outputError(nearest) / 4);
  });

  it("keeps neighbours of one sign below the sum that 16 bits hold, in the kernel's order", () => {
    const { values } = roundAdaptively(weights, shape, guide, "pairs");
    for (let channel = 0; channel < shape.channels; channel++) {
      for (let k = 0; k + 1 < size; k += 2) {
        const [a, b] = [order[k]!, order[k + 1]!].map((at) => values[channel * size + at]!);
        expect(sameSign(a!, b!)).toBeLessThanOrEqual(LARGEST_PAIR);
      }
    }
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(127);
  });

  it("rounds inputs of different blocks each by itself", () => {
    const half = { from: 0, width: 22, sums: momentsOf(samples(400, 22, 1), 22).blocks[0]!.sums };
    const rest = { from: 22, width: 23, sums: momentsOf(samples(400, 23, 3), 23).blocks[0]!.sums };
    const blocks = roundAdaptively(weights, shape, roundingGuide({ size, blocks: [half, rest] }), "pairs");
    const nearest = quantizeWeights(weights, shape, undefined, 1, "pairs");
    expect(outputError(blocks)).toBeLessThan(outputError(nearest));
  });

  it("rounds to the nearest where the inputs never vary", () => {
    const still = roundingGuide({
      size,
      blocks: [{ from: 0, width: size, sums: new Float64Array(size * size) }],
    });
    const { values, scales } = roundAdaptively(weights, shape, still, "full");
    for (const [i, weight] of weights.entries()) {
      const scale = scales[Math.floor(i / size)]!;
      const clipped = Math.max(-127 * scale, Math.min(127 * scale, weight));
      expect(Math.abs(values[i]! * scale - clipped)).toBeLessThanOrEqual(scale / 2 + 1e-6);
    }
  });
});

it("factors the inverse of what it is given", () => {
  const size = 5;
  const sums = momentsOf(samples(30, size, 4), size).blocks[0]!.sums;
  const factor = inverseFactor(sums, size);
  const damping = (0.01 * [0, 1, 2, 3, 4].reduce((sum, i) => sum + sums[i * size + i]!, 0)) / size;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let product = 0;
      for (let k = 0; k < size; k++) {
        const moment = sums[k * size + j]! + (k === j ? damping : 0);
        let inverse = 0;
        for (let m = 0; m < size; m++) inverse += factor[m * size + i]! * factor[m * size + k]!;
        product += inverse * moment;
      }
      expect(product).toBeCloseTo(i === j ? 1 : 0, 6);
    }
  }
});

it("measures what a kernel reads: padding, stride and taps, input channels inside", async () => {
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "frames", type: "uint8", shape: ["N", 3, 4, 4] }];
  const values = graph.add("Cast", ["frames"], { to: attr.int(1) });
  graph.addInitializer("weight", float32([2, 3, 3, 3], new Float32Array(54)));
  const attributes = {
    kernel_shape: attr.ints([3, 3]),
    strides: attr.ints([2, 2]),
    pads: attr.ints([1, 1, 1, 1]),
  };
  const conv = graph.add("Conv", [values, "weight"], attributes, "conv");
  graph.outputs = [{ name: conv, type: "float32", shape: undefined }];
  const pixels = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 50);
  const frame = { pixels, width: 4, height: 4 };
  const layers = findLayers(graph);
  const measured = await measureInputMoments(
    graph,
    [...layers, fillPlanes(layers[0]!, values)],
    [frame, frame],
  );
  const moments = measured.get("conv 2×3×3×3")!;

  const expected = new Float64Array(27 * 27);
  for (const [top, left] of [
    [-1, -1],
    [-1, 1],
    [1, -1],
    [1, 1],
  ] as const) {
    const seen = Array.from({ length: 27 }, (_, k) => {
      const [channel, tap] = [k % 3, Math.floor(k / 3)];
      const [y, x] = [top + Math.floor(tap / 3), left + (tap % 3)];
      return y < 0 || x < 0 ? 0 : pixels[channel * 16 + y * 4 + x]!;
    });
    for (let i = 0; i < 27; i++)
      for (let j = 0; j < 27; j++) expected[i * 27 + j]! += 2 * seen[i]! * seen[j]!;
  }
  expect(moments.size).toBe(27);
  expect(moments.blocks[0]!.sums).toEqual(expected);

  // With weights for a fourth plane, which the picture does not have, that plane is zero.
  const filled = measured.get("conv 2×4×3×3")!;
  expect(filled.size).toBe(36);
  const at = (i: number, j: number) => filled.blocks[0]!.sums[i * 36 + j]!;
  for (let i = 0; i < 36; i++) {
    expect(at(i, i - (i % 4) + 3)).toBe(0);
    if (i % 4 < 3) expect(at(i, i)).toBe(expected[(i - Math.floor(i / 4)) * 28]!);
  }
});
