import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correct, filterLength, predict, rescaleTime, startFilter } from "./kalman-filter.ts";

type Matrix = number[][];

const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transpose = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const add = (a: Matrix, b: Matrix, factor = 1): Matrix =>
  a.map((row, i) => row.map((value, j) => value + factor * b[i]![j]!));
const diagonal = (values: readonly number[]): Matrix =>
  values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
const squares = (values: readonly number[]) => values.map((value) => value * value);

/** The filter as DeepSORT and ByteTrack write it: 8 states, full covariance, one frame a step. */
class ReferenceFilter {
  mean: number[];
  covariance: Matrix;

  constructor(measured: readonly number[]) {
    const h = measured[3]!;
    this.mean = [...measured, 0, 0, 0, 0];
    this.covariance = diagonal(squares([h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]));
  }

  predict(): void {
    const h = this.mean[3]!;
    const motion = diagonal(new Array(8).fill(1));
    for (let i = 0; i < 4; i++) motion[i]![i + 4] = 1;
    const noise = squares([h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]);
    this.mean = multiply(motion, transpose([this.mean])).map((row) => row[0]!);
    this.covariance = add(multiply(multiply(motion, this.covariance), transpose(motion)), diagonal(noise));
  }

  correct(measured: readonly number[]): void {
    const h = this.mean[3]!;
    const noise = squares([h / 20, h / 20, 1e-1, h / 20]);
    const innovationCovariance = this.covariance
      .slice(0, 4)
      .map((row, i) => row.slice(0, 4).map((value, j) => value + (i === j ? noise[i]! : 0)));
    // The innovation covariance is diagonal; the test would notice if it were not.
    const inverse = diagonal(innovationCovariance.map((row, i) => 1 / row[i]!));
    const gain = multiply(
      this.covariance.map((row) => row.slice(0, 4)),
      inverse,
    );
    const innovation = measured.map((value, i) => [value - this.mean[i]!]);
    this.mean = this.mean.map((value, i) => value + multiply(gain, innovation)[i]![0]!);
    this.covariance = add(
      this.covariance,
      multiply(multiply(gain, innovationCovariance), transpose(gain)),
      -1,
    );
  }

  /** In the order of the filter under test. */
  entries(): number[] {
    return [0, 1, 2, 3].flatMap((i) => [
      this.mean[i]!,
      this.mean[i + 4]!,
      this.covariance[i]![i]!,
      this.covariance[i]![i + 4]!,
      this.covariance[i + 4]![i + 4]!,
    ]);
  }
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < filterLength; i++) {
    // A value or velocity near zero is the difference of large numbers.
    const least = i % 5 < 2 ? 1e-3 : 0;
    const scale = Math.max(least, Math.abs(expected[i]!));
    expect(Math.abs(actual[i]! - expected[i]!) / scale).toBeLessThanOrEqual(1e-8);
  }
}

const measurement = fc.tuple(
  fc.double({ min: 50, max: 1900, noNaN: true }),
  fc.double({ min: 50, max: 1000, noNaN: true }),
  fc.double({ min: 0.2, max: 3, noNaN: true }),
  fc.double({ min: 20, max: 400, noNaN: true }),
);

/** How the next measured box differs from the first. */
const change = fc.tuple(
  fc.double({ min: -30, max: 30, noNaN: true }),
  fc.double({ min: -30, max: 30, noNaN: true }),
  fc.double({ min: 0.8, max: 1.25, noNaN: true }),
  fc.double({ min: 0.8, max: 1.25, noNaN: true }),
);

describe("the filter at the nominal interval", () => {
  it("is the reference's, step for step", () => {
    fc.assert(
      fc.property(fc.array(fc.option(change), { maxLength: 12 }), measurement, (steps, first) => {
        const [x, y, aspect, height] = first;
        const filter = startFilter(...first);
        const reference = new ReferenceFilter(first);
        for (const step of steps) {
          predict(filter, 1, false);
          reference.predict();
          expectClose(filter, reference.entries());
          if (step === null) continue;
          const measured = [x + step[0], y + step[1], aspect * step[2], height * step[3]] as const;
          correct(filter, ...measured);
          reference.correct(measured);
          expectClose(filter, reference.entries());
        }
      }),
    );
  });
});

describe("the filter at other intervals", () => {
  const steps = fc.double({ min: 0, max: 40, noNaN: true });
  /** A filter that has learnt to move, but not to grow: the noise depends on the height. */
  const moving = measurement.map(([x, y, aspect, height]) => {
    const filter = startFilter(x, y, aspect, height);
    for (let i = 1; i < 4; i++) {
      predict(filter, 1, true);
      correct(filter, x + 5 * i, y - 3 * i, aspect, height);
    }
    predict(filter, 0, true);
    return filter;
  });

  it("comes to the same by one prediction or several", () => {
    fc.assert(
      fc.property(moving, steps, steps, (filter, a, b) => {
        const once = filter.slice();
        predict(once, a + b, true);
        predict(filter, a, true);
        predict(filter, b, true);
        expectClose(filter, once);
      }),
    );
  });

  it("keeps every covariance positive and never becomes surer by waiting", () => {
    fc.assert(
      fc.property(moving, steps, (filter, a) => {
        const before = filter.slice();
        predict(filter, a, true);
        for (let at = 0; at < filterLength; at += 5) {
          const [pp, pv, vv] = [filter[at + 2]!, filter[at + 3]!, filter[at + 4]!];
          expect(pp).toBeGreaterThanOrEqual(before[at + 2]!);
          expect(vv).toBeGreaterThanOrEqual(before[at + 4]!);
          expect(pp * vv - pv * pv).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("stands still when no time passes", () => {
    fc.assert(
      fc.property(moving, (filter) => {
        const before = filter.slice();
        predict(filter, 0, true);
        expect(filter).toEqual(before);
      }),
    );
  });

  it("means the same motion in another nominal interval", () => {
    fc.assert(
      fc.property(moving, (filter) => {
        const rescaled = filter.slice();
        rescaleTime(rescaled, 2);
        expect(rescaled[1]).toBe(2 * filter[1]!);
        expect(rescaled[3]).toBe(2 * filter[3]!);
        expect(rescaled[4]).toBe(4 * filter[4]!);
        expect([rescaled[0], rescaled[2]]).toEqual([filter[0], filter[2]]);
      }),
    );
  });
});
