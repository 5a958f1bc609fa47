import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Assignment } from "./assignment.ts";
import { SeededRandom } from "./testing/index.ts";

function solve(weights: readonly (readonly number[])[], assignment = new Assignment()): number[] {
  const columns = weights[0]?.length ?? 0;
  assignment.solve(Float64Array.from(weights.flat()), weights.length, columns);
  return [...assignment.columnOfRow.subarray(0, weights.length)];
}

function sum(weights: readonly (readonly number[])[], columnOfRow: readonly number[]): number {
  return columnOfRow.reduce((total, column, row) => total + (column === -1 ? 0 : weights[row]![column]!), 0);
}

/** The best sum by trying everything. */
function bestSum(weights: readonly (readonly number[])[], row = 0, used = 0): number {
  if (row === weights.length) return 0;
  let best = bestSum(weights, row + 1, used);
  for (const [column, weight] of weights[row]!.entries()) {
    if (weight > 0 && (used & (1 << column)) === 0) {
      best = Math.max(best, weight + bestSum(weights, row + 1, used | (1 << column)));
    }
  }
  return best;
}

const matrix = (maxSide: number) =>
  fc
    .tuple(fc.integer({ min: 1, max: maxSide }), fc.integer({ min: 1, max: maxSide }))
    .chain(([rows, columns]) =>
      fc.array(
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -3, max: 20 })), {
          minLength: columns,
          maxLength: columns,
        }),
        { minLength: rows, maxLength: rows },
      ),
    );

describe("Assignment", () => {
  it("gives up the best pair where the sum gains by it", () => {
    expect(
      solve([
        [0.9, 0.8],
        [0.7, 0],
      ]),
    ).toEqual([1, 0]);
  });

  it("leaves out pairs that may not be matched, and rows and columns without any", () => {
    expect(
      solve([
        [0, 0, 0],
        [0, -1, 0.5],
        [0, 0, 0.6],
      ]),
    ).toEqual([-1, -1, 2]);
  });

  it("matches one of several for a single one, either way round", () => {
    expect(solve([[0.2, 0.9, 0.4]])).toEqual([1]);
    expect(solve([[0.2], [0.9], [0.4]])).toEqual([-1, 0, -1]);
  });

  it("knows empty problems", () => {
    const assignment = new Assignment();
    assignment.solve(new Float64Array(0), 2, 0);
    expect([...assignment.columnOfRow.subarray(0, 2)]).toEqual([-1, -1]);
    assignment.solve(new Float64Array(0), 0, 2);
    expect([...assignment.rowOfColumn.subarray(0, 2)]).toEqual([-1, -1]);
  });

  it("finds the largest sum there is", () => {
    fc.assert(
      fc.property(matrix(6), (weights) => {
        expect(sum(weights, solve(weights))).toBe(bestSum(weights));
      }),
      { numRuns: 500 },
    );
  });

  it("uses each row and column once, and both directions agree", () => {
    const assignment = new Assignment();
    fc.assert(
      fc.property(matrix(9), (weights) => {
        const columnOfRow = solve(weights, assignment);
        const columns = weights[0]!.length;
        const rowOfColumn = [...assignment.rowOfColumn.subarray(0, columns)];
        for (const [row, column] of columnOfRow.entries()) {
          if (column === -1) continue;
          expect(weights[row]![column]).toBeGreaterThan(0);
          expect(rowOfColumn[column]).toBe(row);
        }
        const matched = columnOfRow.filter((column) => column !== -1);
        expect(new Set(matched).size).toBe(matched.length);
        expect(rowOfColumn.filter((row) => row !== -1)).toHaveLength(matched.length);
      }),
    );
  });

  it("finds as much beyond its first buffers and whichever side is larger: 150 × 120", () => {
    const random = new SeededRandom(1);
    const weights = Array.from({ length: 150 }, () => Array.from({ length: 120 }, () => random.next()));
    const transposed = Array.from({ length: 120 }, (_, column) => weights.map((row) => row[column]!));
    const reused = new Assignment();
    solve([[1]], reused);
    const best = sum(weights, solve(weights, reused));
    expect(best).toBeCloseTo(sum(transposed, solve(transposed)), 10);
    // No exchange of two rows' columns, nor a move to a free one, can gain.
    const columnOfRow = solve(weights, reused);
    for (let a = 0; a < 150; a++) {
      for (let b = 0; b < a; b++) {
        const exchanged = columnOfRow.with(a, columnOfRow[b]!).with(b, columnOfRow[a]!);
        expect(sum(weights, exchanged)).toBeLessThanOrEqual(best + 1e-9);
      }
    }
  });
});
