import { describe, expect, it } from "vitest";
import { EngineWalk, inShort, type Sight } from "../testing/engine-walk.ts";

/** From the lower edge up: left is where x is smaller. */
const gate = { name: "gate", start: [0.5, 1], end: [0.5, 0] };
const west: Sight = [0.25, 0.5];
const east: Sight = [0.75, 0.5];

function walkWith(rule: object, more: object = {}): EngineWalk {
  return new EngineWalk({ lines: [gate], rules: [{ type: "crossed_line", line: "gate", ...rule }], ...more });
}

describe("crossed_line", () => {
  it("is momentary, and tells the direction", () => {
    const walk = walkWith({});
    walk.frame(0, { a: west, b: east });
    const events = walk.frame(100, { a: east, b: west });
    expect(events.map(inShort)).toEqual([
      "once crossed_line-gate a 100..100",
      "once crossed_line-gate b 100..100",
    ]);
    expect(events).toMatchObject([
      {
        direction: 1,
        line: "gate",
        message: "person crossed gate from left to right",
        snapshotFrame: { number: 2 },
      },
      { direction: 2, message: "person crossed gate from right to left" },
    ]);
    expect(walk.frame(200, { a: west }).map(inShort)).toEqual(["once crossed_line-gate a 200..200"]);
  });

  it("can be about one direction only", () => {
    const walk = walkWith({ direction: "right_to_left" });
    walk.frame(0, { a: west });
    expect(walk.frame(100, { a: east })).toEqual([]);
    expect(walk.frame(200, { a: west })).toHaveLength(1);
  });

  it("counts when the object is clear of the line, by a tenth of its size", () => {
    const walk = walkWith({});
    walk.frame(0, { a: west });
    for (const [index, x] of [0.505, 0.495, 0.511, 0.49, 0.512].entries()) {
      expect(walk.frame(100 + index, { a: [x, 0.5] })).toEqual([]);
    }
    expect(walk.frame(200, { a: [0.513, 0.5] })).toHaveLength(1);
    expect(walk.frame(300, { a: [0.495, 0.5] })).toEqual([]);
  });

  it("is seen across frames without the object", () => {
    const walk = walkWith({});
    walk.frame(0, { a: west });
    walk.frame(500, {});
    expect(walk.frame(1000, { a: east })).toHaveLength(1);
  });

  it("asks for class and score, and has a cooldown for each object", () => {
    const walk = walkWith({ classes: ["person"], min_score: 0.7, cooldown_seconds: 1 });
    const faint = { score: 0.5 };
    walk.frame(0, { a: west, b: west, car: [0.25, 0.5, { className: "car" }], faint: [0.25, 0.5, faint] });
    const after = { car: [0.75, 0.5, { className: "car" }], faint: [0.75, 0.5, faint] } as const;
    expect(walk.frame(100, { a: east, b: west, ...after }).map(inShort)).toEqual([
      "once crossed_line-gate a 100..100",
    ]);
    expect(walk.frame(200, { a: west, b: east }).map(inShort)).toEqual(["once crossed_line-gate b 200..200"]);
    walk.frame(1000, { a: east });
    expect(walk.frame(1100, { a: west })).toHaveLength(1);
  });

  it("behind a mask is none", () => {
    const walk = walkWith(
      {},
      {
        masks: [
          {
            mode: "exclude",
            polygon: [
              [0.4, 0],
              [0.6, 0],
              [0.6, 1],
              [0.4, 1],
            ],
          },
        ],
      },
    );
    walk.frame(0, { a: west });
    walk.frame(100, { a: [0.45, 0.5] });
    walk.frame(200, { a: [0.55, 0.5] });
    expect(walk.frame(300, { a: east })).toEqual([]);
    expect(walk.frame(400, { a: west })).toHaveLength(1);
  });
});
