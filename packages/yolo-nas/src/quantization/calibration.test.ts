import { describe, expect, it } from "vitest";
import { ActivationHistogram } from "./activation-histogram.ts";
import { chooseRange } from "./calibration-range.ts";
import { quantizeBias, quantizeWeights, symmetricEncoding, unsignedEncoding } from "./weight-quantization.ts";

/** Deterministic numbers in 0…1. */
function* uniform(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

function normal(count: number, seed: number): Float32Array {
  const numbers = uniform(seed);
  const next = () => numbers.next().value!;
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(next() + 1e-12));
    return radius * Math.cos(2 * Math.PI * next());
  });
}

function histogramOf(...parts: Float32Array[]): ActivationHistogram {
  const histogram = new ActivationHistogram();
  for (const part of parts) histogram.observe(part);
  return histogram;
}

describe("ActivationHistogram", () => {
  it("counts the same whether a range grows or was known from the start", () => {
    const small = normal(5000, 1).map(Math.abs);
    const large = small.map((value) => value * 100);
    const growing = histogramOf(small, large);
    const known = new ActivationHistogram();
    known.width = growing.width;
    for (const part of [small, large]) known.observe(part);
    expect(growing.positive).toEqual(known.positive);
    expect(growing.count).toBe(10_000);
    expect(growing.max).toBe(Math.max(...large));
  });

  it("keeps signs apart and leaves out what is not finite", () => {
    const histogram = histogramOf(Float32Array.of(-2, -1, 0, 1, Number.NaN, Number.POSITIVE_INFINITY));
    expect([histogram.min, histogram.max]).toEqual([-2, 1]);
    expect(histogram.negative.reduce((a, b) => a + b)).toBe(2);
  });
});

describe("chooseRange", () => {
  const rectified = normal(200_000, 3).map((value) => Math.max(0, value));
  const withOutlier = histogramOf(rectified, Float32Array.of(60));

  it("gives a tensor that is never negative a low end of exactly 0", () => {
    for (const method of [
      { kind: "max" },
      { kind: "percentile", percentile: 99.9 },
      { kind: "entropy" },
      { kind: "mse" },
    ] as const) {
      const { low, high } = chooseRange(histogramOf(rectified), method);
      expect(low).toBe(0);
      expect(high).toBeGreaterThan(1.5);
      expect(high).toBeLessThanOrEqual(rectified.reduce((a, b) => Math.max(a, b)));
    }
  });

  it("keeps an outlier by max, and by MSE when cutting it would cost more than coarser steps", () => {
    expect(chooseRange(withOutlier, { kind: "mse" }).high).toBeGreaterThan(40);
    const many = histogramOf(...Array.from({ length: 20 }, () => rectified), Float32Array.of(60));
    expect(chooseRange(many, { kind: "mse" }).high).toBeLessThan(25);
  });

  it("keeps an outlier by max and cuts it by percentile and entropy", () => {
    expect(chooseRange(withOutlier, { kind: "max" }).high).toBe(60);
    for (const method of [{ kind: "percentile", percentile: 99.99 }, { kind: "entropy" }] as const) {
      expect(chooseRange(withOutlier, method).high, method.kind).toBeLessThan(15);
    }
  });

  it("takes the percentile of all values, to the width of a bin", () => {
    const ramp = histogramOf(Float32Array.from({ length: 100_000 }, (_, i) => i / 100_000));
    expect(Math.abs(chooseRange(ramp, { kind: "percentile", percentile: 90 }).high - 0.9)).toBeLessThan(
      2 * ramp.width,
    );
  });

  it("chooses, by MSE, a range whose real error is no worse than its neighbours'", () => {
    const values = normal(50_000, 9).map((value) => Math.abs(value) ** 3);
    const errorAt = (high: number) => {
      const step = high / 255;
      return values.reduce((sum, v) => sum + (Math.min(255, Math.round(v / step)) * step - v) ** 2, 0);
    };
    const { high } = chooseRange(histogramOf(values), { kind: "mse" });
    expect(errorAt(high)).toBeLessThan(errorAt(high * 1.3));
    expect(errorAt(high)).toBeLessThan(errorAt(high * 0.77));
  });

  it("spans both signs where a tensor has both", () => {
    const { low, high } = chooseRange(histogramOf(normal(10_000, 5)), { kind: "max" });
    expect(low).toBeLessThan(-2);
    expect(high).toBeGreaterThan(2);
  });

  it("refuses a percentile that would cut half of everything", () => {
    expect(() => chooseRange(withOutlier, { kind: "percentile", percentile: 0.9999 })).toThrowError(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});

describe("encodings", () => {
  it("reads an unsigned zero as exactly zero, rectified or not", () => {
    expect(unsignedEncoding({ low: 0, high: 5.1 })).toMatchObject({ zeroPoint: 0, type: "uint8" });
    const { scale, zeroPoint } = unsignedEncoding({ low: -1, high: 3 });
    expect(Number.isInteger(zeroPoint)).toBe(true);
    expect((255 - zeroPoint) * scale).toBeCloseTo(3, 1);
  });

  it("is symmetric for TensorRT whatever the range", () => {
    expect(symmetricEncoding({ low: -6.35, high: 1 })).toMatchObject({ zeroPoint: 0, type: "int8" });
    expect(symmetricEncoding({ low: -6.35, high: 1 }).scale).toBeCloseTo(0.05, 6);
  });

  it("quantises weights per channel to within half a step, never to -128", () => {
    const weights = Float32Array.of(0.5, -1, 0.25, 1e-3, -2e-3, 0);
    const { values, scales } = quantizeWeights(weights, { channels: 2, taps: 1 }, undefined, 0.01, "full");
    for (const [i, weight] of weights.entries()) {
      const scale = scales[i < 3 ? 0 : 1]!;
      expect(Math.abs(values[i]! * scale - weight)).toBeLessThanOrEqual(scale / 2 + 1e-9);
    }
    expect(Math.min(...values)).toBe(-127);
  });

  it("keeps the bias of a channel without weights", () => {
    const bias = Float32Array.of(1000, 0);
    const { scales } = quantizeWeights(new Float32Array(4), { channels: 2, taps: 1 }, bias, 1e-6, "pairs");
    const [integer] = quantizeBias(bias, 1e-6, scales);
    expect(integer! * 1e-6 * scales[0]!).toBeCloseTo(1000, 2);
  });
});
