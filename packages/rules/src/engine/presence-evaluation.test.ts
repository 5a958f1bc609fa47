import { describe, expect, it } from "vitest";
import { EngineWalk, inShort, type Sight } from "../testing/engine-walk.ts";

/** The right half of the picture. */
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

function walkWith(...rules: unknown[]): EngineWalk {
  return new EngineWalk({ zones: [road], rules });
}

describe("entered_zone", () => {
  const rule = { type: "entered_zone", zone: "road" };

  it("starts in the frame that finds the object inside, and ends in that which finds it outside", () => {
    const walk = walkWith(rule);
    expect(walk.frame(0, { a: outside })).toEqual([]);
    expect(walk.frame(100, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 100.."]);
    expect(walk.frame(200, { a: inside })).toEqual([]);
    expect(walk.frame(300, { a: outside }).map(inShort)).toEqual([
      "end entered_zone-road a 100..300 condition_over",
    ]);
    expect(walk.frame(400, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 400.."]);
  });

  it("counts an object first seen inside as entered, and one on the zone's edge as inside", () => {
    expect(walkWith(rule).frame(0, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 0.."]);
    expect(walkWith(rule).frame(0, { a: [0.5, 0.5] })).toHaveLength(1);
  });

  it("goes by the middle of the box's lower edge, brought back into the picture", () => {
    const walk = walkWith({ type: "entered_zone", zone: "road" });
    expect(
      walk.frame(0, { a: [0.5625, 1.2, { size: 0.5 }], b: [0.48, 0.5, { size: 0.9 }] }).map(inShort),
    ).toEqual(["start entered_zone-road a 0.."]);
  });

  it("tells the whole of it in every message", () => {
    const walk = walkWith({ ...rule, name: "watch" });
    const [start] = walk.frame(100, { a: inside });
    expect(start).toMatchObject({
      name: "cameras/door/events/t-e1",
      type: 3,
      revision: 1,
      rule: "watch",
      zone: "road",
      line: "",
      track: { id: "a", className: "person", score: 0.75, bestScore: 0.75, zones: ["road"] },
      frame: { epoch: "e", number: 1 },
      snapshotFrame: { epoch: "e", number: 1 },
      endTime: undefined,
      message: "person entered road",
    });
    const [end] = walk.frame(200, { a: [0.25, 0.5, { score: 0.5 }] });
    expect(end).toMatchObject({
      name: "cameras/door/events/t-e1",
      revision: 2,
      track: { score: 0.5, bestScore: 0.75, zones: [] },
      frame: { number: 2 },
      snapshotFrame: { number: 1 },
      message: "person left road",
    });
  });

  it("goes on while the object is not found, and ends when it was last seen once it is lost", () => {
    const walk = walkWith(rule);
    walk.frame(0, { a: inside });
    walk.frame(100, { a: inside });
    expect(walk.frame(200, {})).toEqual([]);
    const [end, ...more] = walk.tick(1700, ["a"]);
    expect(more).toEqual([]);
    expect(inShort(end!)).toBe("end entered_zone-road a 0..100 track_lost");
    expect(end).toMatchObject({ frame: undefined, message: "person went out of sight in road" });
    expect(walk.engine.open).toBe(0);
  });

  it("asks for class and best score", () => {
    const walk = walkWith({ ...rule, classes: ["person"], min_score: 0.8 });
    expect(walk.frame(0, { car: [0.75, 0.5, { className: "car", score: 0.9 }], a: inside })).toEqual([]);
    expect(walk.frame(100, { a: [0.75, 0.5, { score: 0.8 }] }).map(inShort)).toEqual([
      "start entered_zone-road a 0..",
    ]);
    expect(walk.frame(200, { a: [0.75, 0.5, { score: 0.3 }] })).toEqual([]);
  });

  it("with a debounce starts and ends late, with the times of the change", () => {
    const walk = walkWith({ ...rule, debounce_seconds: 0.5 });
    walk.frame(0, { a: outside });
    walk.frame(100, { a: inside });
    expect(walk.frame(300, { a: outside })).toEqual([]);
    walk.frame(400, { a: inside });
    expect(walk.frame(899, { a: inside })).toEqual([]);
    expect(walk.frame(900, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 400.."]);
    walk.frame(1000, { a: outside });
    expect(walk.frame(1400, { a: inside })).toEqual([]);
    walk.frame(1500, { a: outside });
    expect(walk.frame(1999, { a: outside })).toEqual([]);
    expect(walk.frame(2000, { a: outside }).map(inShort)).toEqual([
      "end entered_zone-road a 400..1500 condition_over",
    ]);
  });

  it("with a debounce ends in time although the object is not found any more, but starts with it in sight", () => {
    const walk = walkWith({ ...rule, debounce_seconds: 0.5 });
    walk.frame(0, { a: inside });
    expect(walk.tick(600)).toEqual([]);
    expect(walk.frame(700, { a: inside })).toHaveLength(1);
    walk.frame(800, { a: outside });
    expect(walk.tick(1300).map(inShort)).toEqual(["end entered_zone-road a 0..800 condition_over"]);
    expect(walk.tick(2500, ["a"])).toEqual([]);
  });

  it("with a debounce ends when the object went out, if it is lost before that has lasted", () => {
    const walk = walkWith({ ...rule, debounce_seconds: 0.5 });
    walk.frame(0, { a: inside });
    walk.frame(600, { a: inside });
    walk.frame(700, { a: outside });
    walk.frame(800, { a: outside });
    expect(walk.frame(900, {}, ["a"]).map(inShort)).toEqual(["end entered_zone-road a 0..700 track_lost"]);
  });

  it("with a cooldown makes no other of the same object, and another when that is over", () => {
    const walk = walkWith({ ...rule, cooldown_seconds: 1 });
    walk.frame(0, { a: inside });
    walk.frame(100, { a: outside });
    expect(walk.frame(200, { a: inside, b: inside }).map(inShort)).toEqual([
      "start entered_zone-road b 200..",
    ]);
    walk.frame(300, { a: outside, b: inside });
    expect(walk.frame(800, { a: inside, b: inside })).toEqual([]);
    expect(walk.frame(1000, { a: inside, b: inside }).map(inShort)).toEqual([
      "start entered_zone-road a 800..",
    ]);
  });

  it("tells of a clearly better view, at most once a second, and ends with the best", () => {
    const walk = walkWith(rule);
    const seen = (score: number): Record<string, Sight> => ({ a: [0.75, 0.5, { score }] });
    walk.frame(0, seen(0.5));
    expect(walk.frame(500, seen(0.7))).toEqual([]);
    expect(walk.frame(1000, seen(0.59))).toEqual([]);
    const [update] = walk.frame(1100, seen(0.6));
    expect(update).toMatchObject({
      phase: 2,
      revision: 2,
      snapshotFrame: { number: 4 },
      snapshotScore: 0.6,
      track: { bestScore: 0.7 },
    });
    expect(walk.frame(1900, seen(0.9))).toEqual([]);
    expect(walk.frame(2100, { a: [0.75, 0.5, { score: 0.6, size: 0.25 }] })).toMatchObject([
      { snapshotFrame: { number: 6 } },
    ]);
    expect(walk.frame(2200, { a: outside })).toMatchObject([
      { phase: 3, revision: 4, snapshotFrame: { number: 6 }, snapshotScore: 0.6 },
    ]);
  });
});

describe("dwelled", () => {
  it("starts when the object has been there long enough, at that time, however it flickers within the debounce", () => {
    const walk = walkWith({ type: "dwelled", zone: "road", min_dwell_seconds: 2, debounce_seconds: 0.3 });
    for (let ms = 0; ms < 2000; ms += 100)
      expect(walk.frame(ms, { a: ms === 1000 ? outside : inside })).toEqual([]);
    const [start] = walk.frame(2000, { a: inside });
    expect(inShort(start!)).toBe("start dwelled-road a 2000..");
    expect(start?.message).toBe("person has been in road for 2 s");
    walk.frame(2100, { a: outside });
    expect(walk.frame(2400, { a: outside }).map(inShort)).toEqual([
      "end dwelled-road a 2000..2100 condition_over",
    ]);
  });

  it("begins to count anew when the object was away", () => {
    const walk = walkWith({ type: "dwelled", zone: "road", min_dwell_seconds: 1 });
    walk.frame(0, { a: inside });
    walk.frame(900, { a: outside });
    walk.frame(1000, { a: inside });
    expect(walk.frame(1900, { a: inside })).toEqual([]);
    expect(walk.frame(2000, { a: inside })).toHaveLength(1);
  });

  it("without a zone is about the picture", () => {
    const walk = walkWith({ type: "dwelled", min_dwell_seconds: 1 });
    walk.frame(0, { a: inside });
    expect(walk.frame(1000, { a: outside })).toMatchObject([{ message: "person has been there for 1 s" }]);
  });
});

describe("appeared", () => {
  it("is an object that is there, until it is lost", () => {
    const walk = walkWith({ type: "appeared" });
    expect(walk.frame(0, { a: outside })).toMatchObject([{ phase: 1, message: "person appeared" }]);
    expect(walk.frame(100, { a: inside })).toEqual([]);
    expect(walk.frame(2000, {}, ["a"]).map(inShort)).toEqual(["end appeared a 0..100 track_lost"]);
  });
});

describe("left and left_zone", () => {
  it("are momentary: when the object is seen outside", () => {
    const walk = walkWith({ type: "left_zone", zone: "road" });
    walk.frame(0, { a: inside });
    const [once] = walk.frame(100, { a: outside });
    expect(inShort(once!)).toBe("once left_zone-road a 100..100");
    expect(once).toMatchObject({
      revision: 1,
      frame: { number: 2 },
      snapshotFrame: { number: 2 },
      message: "person left road",
    });
    expect(walk.frame(200, { a: outside })).toEqual([]);
  });

  it("are when it was last seen, if it is lost inside", () => {
    const walk = walkWith({ type: "left_zone", zone: "road" }, { type: "left" });
    walk.frame(0, { a: inside });
    const events = walk.frame(1700, {}, ["a"]);
    expect(events.map(inShort)).toEqual(["once left_zone-road a 0..0", "once left a 0..0"]);
    expect(events[0]).toMatchObject({ frame: { number: 2 }, snapshotFrame: { number: 1 } });
  });

  it("say nothing of an object lost outside, nor of one that was another's double", () => {
    const walk = walkWith({ type: "left_zone", zone: "road" });
    walk.frame(0, { a: inside, b: inside });
    walk.frame(100, { a: outside, b: inside });
    expect(walk.tick(1700, ["a"])).toEqual([]);
    expect(walk.engine.step(walk.at(1800), [], [{ id: "b", merged: true }])).toEqual([]);
  });

  it("ask for the dwell, the debounce and the score", () => {
    const walk = walkWith({
      type: "left",
      zone: "road",
      min_dwell_seconds: 1,
      debounce_seconds: 0.2,
      min_score: 0.7,
    });
    walk.frame(0, { short: inside, long: inside, faint: [0.75, 0.5, { score: 0.6 }] });
    walk.frame(500, { short: outside, long: inside, faint: [0.75, 0.5, { score: 0.6 }] });
    walk.frame(1000, { long: inside, faint: [0.75, 0.5, { score: 0.6 }] });
    walk.frame(1100, { long: outside, faint: [0.25, 0.5, { score: 0.6 }] });
    expect(walk.frame(1300, { long: outside }).map(inShort)).toEqual(["once left-road long 1100..1100"]);
  });
});

describe("masks", () => {
  const lowerHalf = [
    [0, 0.5],
    [1, 0.5],
    [1, 1],
    [0, 1],
  ];

  it("that exclude hide objects, and those that include hide all others", () => {
    for (const [mode, seen, hidden] of [
      ["exclude", 0.25, 0.75],
      ["include", 0.75, 0.25],
    ] as const) {
      const walk = new EngineWalk({ masks: [{ mode, polygon: lowerHalf }], rules: [{ type: "appeared" }] });
      expect(walk.frame(0, { a: [0.5, seen], b: [0.5, hidden] }).map(inShort)).toEqual([
        "start appeared a 0..",
      ]);
      expect(walk.frame(100, { a: [0.5, hidden], b: [0.5, seen] }).map(inShort)).toEqual([
        "start appeared b 100..",
        "end appeared a 0..100 condition_over",
      ]);
    }
  });
});
