import { describe, expect, it } from "vitest";
import { EngineWalk, inShort, type Sight } from "../testing/engine-walk.ts";

const road = {
  name: "road",
  polygon: [
    [0.5, 0],
    [1, 0],
    [1, 1],
    [0.5, 1],
  ],
};
const outside: Sight = [0.25, 0.5];
const inside: Sight = [0.75, 0.5];
const inRoad = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, inside]));

function walkWith(...rules: unknown[]): EngineWalk {
  return new EngineWalk({ zones: [road], rules });
}

describe("count_above", () => {
  const rule = { type: "count_above", zone: "road", count: 1 };

  it("starts with more than the count, tells of changes once a second, and ends with no more than it", () => {
    const walk = walkWith(rule);
    expect(walk.frame(0, { ...inRoad(1), elsewhere: outside })).toEqual([]);
    const [start] = walk.frame(100, inRoad(2));
    expect(inShort(start!)).toBe("start count_above-road 2 100..");
    expect(start).toMatchObject({
      track: undefined,
      message: "object count in road is 2, above 1",
      snapshotFrame: { number: 2 },
    });
    expect(walk.frame(200, inRoad(3))).toEqual([]);
    expect(walk.frame(1100, inRoad(3))).toMatchObject([{ phase: 2, count: 3, snapshotFrame: { number: 4 } }]);
    expect(walk.frame(1200, { t2: outside })).toEqual([]);
    expect(walk.frame(2100, { t2: outside })).toMatchObject([
      { phase: 2, count: 2, snapshotFrame: { number: 4 } },
    ]);
    const [end] = walk.frame(2200, { t1: outside });
    expect(inShort(end!)).toBe("end count_above-road 1 100..2200 condition_over");
    expect(end?.message).toBe("object count in road is 1, no longer above 1");
  });

  it("counts objects that are not found just now, until they are lost", () => {
    const walk = walkWith(rule);
    walk.frame(0, inRoad(2));
    expect(walk.frame(100, {})).toEqual([]);
    expect(walk.tick(1600, ["t0"]).map(inShort)).toEqual(["end count_above-road 1 0..1600 condition_over"]);
  });

  it("counts those of the classes, with the score and the dwell, that no mask hides", () => {
    const walk = new EngineWalk({
      zones: [road],
      masks: [
        {
          mode: "exclude",
          polygon: [
            [0.9, 0],
            [1, 0],
            [1, 1],
            [0.9, 1],
          ],
        },
      ],
      rules: [
        {
          type: "count_above",
          count: 0,
          zone: "road",
          classes: ["person"],
          min_score: 0.5,
          min_dwell_seconds: 1,
        },
      ],
    });
    const crowd: Record<string, Sight> = {
      a: inside,
      b: [0.75, 0.5, { className: "car" }],
      c: [0.75, 0.5, { score: 0.4 }],
      d: [0.95, 0.5],
    };
    walk.frame(0, crowd);
    expect(walk.frame(999, crowd)).toEqual([]);
    expect(walk.frame(1000, crowd).map(inShort)).toEqual(["start count_above-road 1 1000.."]);
  });

  it("has debounce and cooldown", () => {
    const walk = walkWith({ ...rule, debounce_seconds: 0.5, cooldown_seconds: 3 });
    walk.frame(0, inRoad(2));
    walk.frame(400, { t1: outside });
    walk.frame(500, inRoad(2));
    expect(walk.frame(1000, inRoad(2)).map(inShort)).toEqual(["start count_above-road 2 500.."]);
    walk.frame(1100, { t1: outside });
    walk.frame(1500, inRoad(2));
    walk.frame(1600, { t1: outside });
    expect(walk.frame(2100, {}).map(inShort)).toEqual(["end count_above-road 1 500..1600 condition_over"]);
    walk.frame(2200, inRoad(2));
    expect(walk.frame(3999, inRoad(2))).toEqual([]);
    expect(walk.frame(4000, inRoad(2)).map(inShort)).toEqual(["start count_above-road 2 2200.."]);
  });
});

describe("a count that has fallen for less than the debounce", () => {
  it("is not told of", () => {
    const walk = walkWith({ type: "count_above", count: 1, debounce_seconds: 2 });
    walk.frame(0, inRoad(2));
    expect(walk.frame(2000, inRoad(2))).toHaveLength(1);
    expect(walk.frame(3100, {}, ["t1"])).toEqual([]);
    expect(walk.frame(3200, inRoad(2))).toEqual([]);
  });
});

describe("count_below", () => {
  const rule = { type: "count_below", count: 1 };

  it("knows nothing before the first frame, nor while the camera is down", () => {
    const walk = walkWith(rule);
    expect(walk.tick(0)).toEqual([]);
    expect(walk.frame(100, {}).map(inShort)).toEqual(["start count_below 0 100.."]);
    walk.tick(900);
    expect(walk.down(1000).map(inShort)).toEqual([
      "end count_below 0 100..100 camera_down",
      "start camera_down 1000..",
    ]);
    expect(walk.tick(2000)).toEqual([]);
    walk.up(3000);
    expect(walk.tick(3100)).toEqual([]);
    expect(walk.frame(3200, {}).map(inShort)).toEqual(["start count_below 0 3200.."]);
    expect(walk.frame(3300, { a: outside }).map(inShort)).toEqual([
      "end count_below 1 3200..3300 condition_over",
    ]);
  });

  it("keeps its cooldown while the camera is down", () => {
    const walk = walkWith({ ...rule, cooldown_seconds: 60 });
    walk.frame(0, {});
    walk.down(1000);
    walk.up(2000);
    expect(walk.frame(3000, {})).toEqual([]);
    expect(walk.frame(60_000, {})).toHaveLength(1);
  });
});
