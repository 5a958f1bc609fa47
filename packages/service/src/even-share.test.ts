import { expect, test } from "vitest";
import { surplus } from "./even-share.ts";

/** Hands over until nobody has too much; what is handed over goes to those with the fewest. Returns the counts after each round. */
function evened(...counts: number[]): number[][] {
  const rounds: number[][] = [];
  for (let round = 0; round < 50; round++) {
    const now = new Map(counts.map((count, i) => [`s${i}`, count]));
    const given = counts.map((_, i) => surplus(now, `s${i}`));
    if (given.every((count) => count === 0)) break;
    counts = counts.map((count, i) => count - given[i]!);
    for (let free = given.reduce((sum, count) => sum + count, 0); free > 0; free--)
      counts[counts.indexOf(Math.min(...counts))]! += 1;
    rounds.push(counts);
  }
  return rounds;
}

test.each([
  { before: [12, 0], after: [6, 6] },
  { before: [5, 0], after: [3, 2] },
  { before: [4, 4, 0], after: [3, 3, 2] },
  { before: [2, 2, 1, 0], after: [2, 1, 1, 1] },
  { before: [64, 64, 64, 0], after: [48, 48, 48, 48] },
])("$before becomes $after, at most four of each at a time", ({ before, after }) => {
  const rounds = evened(...before);
  expect(rounds.at(-1)!.toSorted((a, b) => b - a)).toEqual(after);
  for (const [i, counts] of rounds.entries())
    for (const [session, count] of counts.entries())
      expect((rounds[i - 1] ?? before)[session]! - count).toBeLessThanOrEqual(4);
});

test.each([[[3, 2]], [[1, 1, 0]], [[0, 0]], [[7]]])("%j is even", (counts) => {
  expect(evened(...counts)).toEqual([]);
});

test("who is not among the sessions hands nothing over", () => {
  expect(surplus(new Map([["other", 3]]), "own")).toBe(0);
});
