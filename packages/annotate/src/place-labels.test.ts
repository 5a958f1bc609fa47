import fc from "fast-check";
import { expect, test } from "vitest";
import { type LabelledBox, type PlacedLabel, placeLabels } from "./place-labels.ts";

const bounds = { x: 0, y: 0, width: 400, height: 300 };
const box = (x: number, y: number, width = 30, height = 80, before?: number): LabelledBox => ({
  x,
  y,
  width,
  height,
  labelWidth: 60,
  labelHeight: 14,
  before,
});
const label = ({ x, y }: PlacedLabel) => ({ x, y, width: 60, height: 14 });

function shared(
  a: { x: number; y: number; width: number; height: number },
  b: { x: number; y: number; width: number; height: number },
): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

test("a label stands above its box, below it at the picture's top", () => {
  expect(placeLabels([box(100, 100)], bounds, 1)).toEqual([{ x: 100, y: 85, place: 0 }]);
  expect(placeLabels([box(100, 0)], bounds, 1)).toEqual([{ x: 100, y: 81, place: 2 }]);
});

test("two people side by side: the second one's label goes where it covers neither", () => {
  const boxes = [box(100, 100), box(135, 104)];
  const [first, second] = placeLabels(boxes, bounds, 1) as PlacedLabel[];
  expect(first).toEqual({ x: 100, y: 85, place: 0 });
  expect(shared(label(first!), label(second!))).toBe(0);
  for (const each of boxes) expect(shared(label(second!), each)).toBe(0);
});

test("someone in front of another: the label goes beside, not over the one behind", () => {
  const [front, behind] = [box(100, 60, 60, 150), box(110, 120, 30, 60)];
  const [, placed] = placeLabels([front, behind], bounds, 1);
  expect(shared(label(placed!), front) / (60 * 14)).toBeLessThan(0.2);
});

test("a label stays where it was while that is nearly as good", () => {
  const [placed] = placeLabels([box(100, 100, 30, 80, 2)], bounds, 1);
  expect(placed?.place).toBe(2);
});

test("property: labels never cover each other and stay in the picture, however crowded it is", () => {
  const boxes = fc.array(
    fc.record({ x: fc.nat(400), y: fc.nat(300), width: fc.nat(100), height: fc.nat(200) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(boxes, (boxes) => {
      const found = placeLabels(
        boxes.map(({ x, y, width, height }) => box(x, y, width, height)),
        bounds,
      ).filter((placed) => placed !== undefined);
      for (const [index, a] of found.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + 60 <= 400 && a.y + 14 <= 300).toBe(true);
        for (const b of found.slice(index + 1)) expect(shared(label(a), label(b))).toBe(0);
      }
    }),
  );
});
