import { CameraChange, CameraReason } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { RulesError, RulesStateError } from "../errors.ts";
import { EngineWalk, inShort, type Sight } from "../testing/engine-walk.ts";
import { RulesEngine } from "./rules-engine.ts";

const road = {
  name: "road",
  polygon: [
    [0.5, 0],
    [1, 0],
    [1, 1],
    [0.5, 1],
  ],
};
const yard = {
  name: "yard",
  polygon: [
    [0, 0],
    [0.4, 0],
    [0.4, 1],
    [0, 1],
  ],
};
const inside: Sight = [0.75, 0.5];
const entered = { type: "entered_zone", zone: "road" };

describe("a camera without rules", () => {
  it("tells of going down and coming up only", () => {
    const walk = new EngineWalk();
    expect(walk.frame(0, { a: inside })).toEqual([]);
    const [start] = walk.down(1000, CameraReason.UNREACHABLE, "no route to host");
    expect(inShort(start!)).toBe("start camera_down 1000..");
    expect(start).toMatchObject({
      name: "cameras/door/events/t-e1",
      rule: "",
      frame: undefined,
      snapshotFrame: undefined,
      cameraReason: CameraReason.UNREACHABLE,
      message: "camera is down: no route to host",
    });
    expect(walk.down(1500, CameraReason.UNREACHABLE)).toEqual([]);
    expect(walk.down(1600, CameraReason.UNAUTHORIZED)).toMatchObject([
      { phase: 2, revision: 2, cameraReason: CameraReason.UNAUTHORIZED },
    ]);
    const events = walk.up(5000);
    expect(events.map(inShort)).toEqual([
      "end camera_down 1000..5000 condition_over",
      "once camera_up 5000..5000",
    ]);
    expect(events.map(({ name }) => name)).toEqual(["cameras/door/events/t-e1", "cameras/door/events/t-e2"]);
    expect(events.map(({ cameraReason }) => cameraReason)).toEqual([
      CameraReason.UNAUTHORIZED,
      CameraReason.UNAUTHORIZED,
    ]);
    expect(walk.up(6000)).toEqual([]);
  });

  it("does not say that a camera is up again that gave frames all the time, but does where nothing was known", () => {
    const watched = new EngineWalk();
    watched.frame(0, {});
    expect(watched.up(100)).toEqual([]);
    expect(new EngineWalk().up(100).map(inShort)).toEqual(["once camera_up 100..100"]);
  });
});

describe("a camera that goes down", () => {
  it("ends open events when their objects were last seen, and says nothing of leaving", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered, { type: "left" }] });
    walk.frame(0, { a: inside, b: inside });
    walk.frame(100, { a: inside });
    expect(walk.down(9000).map(inShort)).toEqual([
      "end entered_zone-road a 0..100 camera_down",
      "end entered_zone-road b 0..0 camera_down",
      "start camera_down 9000..",
    ]);
    expect(walk.engine.open).toBe(0);
    walk.up(9500);
    expect(walk.frame(9600, { c: inside }).map(inShort)).toEqual(["start entered_zone-road c 9600.."]);
  });
});

describe("a camera that is removed or changed", () => {
  it("ends what is open when it is removed, says why, and raises no alarm", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered, { type: "left" }] });
    walk.frame(0, { a: inside });
    expect(walk.changed(9000, CameraChange.REMOVED).map(inShort)).toEqual([
      "end entered_zone-road a 0..9000 camera_removed",
    ]);
    walk.frame(9100, { b: inside });
    walk.down(9500);
    const ends = walk.changed(9900, CameraChange.REMOVED);
    expect(ends.map(inShort)).toEqual(["end camera_down 9500..9900 camera_removed"]);
    expect(ends[0]?.message).toBe("camera was removed");
    expect(walk.changed(9950, CameraChange.REMOVED)).toEqual([]);
  });

  it("ends what it saw when it has another address; what is about the camera itself goes on", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered, { type: "left" }] });
    walk.frame(0, { a: inside });
    expect(walk.changed(100, CameraChange.ADDRESS).map(inShort)).toEqual([
      "end entered_zone-road a 0..100 camera_changed",
    ]);
    expect(walk.frame(200, { b: inside }).map(inShort)).toEqual(["start entered_zone-road b 200.."]);
    walk.down(300);
    expect(walk.changed(400, CameraChange.ADDRESS)).toEqual([]);
    expect(walk.up(500).map(inShort)).toEqual([
      "end camera_down 300..500 condition_over",
      "once camera_up 500..500",
    ]);
  });
});

describe("an object that is taken for something else in between", () => {
  const asDog: Sight = [0.75, 0.5, { className: "dog" }];

  it("keeps its event, which keeps its class, until it leaves", () => {
    const walk = new EngineWalk({ zones: [road], rules: [{ ...entered, classes: ["person"] }] });
    expect(walk.frame(0, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 0.."]);
    expect(walk.frame(100, { a: asDog })).toEqual([]);
    const ends = walk.frame(200, { a: [0.25, 0.5, { className: "dog" }] });
    expect(ends.map(inShort)).toEqual(["end entered_zone-road a 0..200 condition_over"]);
    expect(ends[0]?.track?.className).toBe("person");
  });

  it("makes events of the rules for what it is now, and leaves no place that it was in as another", () => {
    const walk = new EngineWalk({
      zones: [road],
      rules: [
        { ...entered, classes: ["dog"] },
        { type: "left", classes: ["person"] },
        { type: "count_above", count: 0, classes: ["person"] },
      ],
    });
    expect(walk.frame(0, { a: inside }).map(inShort)).toEqual(["start count_above 1 0.."]);
    expect(walk.frame(100, { a: asDog }).map(inShort)).toEqual([
      "start entered_zone-road a 100..",
      "end count_above 0 0..100 condition_over",
    ]);
    expect(walk.frame(2000, {}, ["a"]).map(inShort)).toEqual(["end entered_zone-road a 100..100 track_lost"]);
  });

  it("crosses a line once, as what it is then", () => {
    const line = { name: "gate", start: [0.5, 1], end: [0.5, 0] };
    const rule = { type: "crossed_line", line: "gate" };
    const walk = new EngineWalk({
      lines: [line],
      rules: [
        { ...rule, name: "people", classes: ["person"] },
        { ...rule, name: "dogs", classes: ["dog"] },
      ],
    });
    walk.frame(0, { a: [0.2, 0.5] });
    walk.frame(100, { a: [0.3, 0.5, { className: "dog" }] });
    expect(walk.frame(200, { a: [0.8, 0.5, { className: "dog" }] }).map(inShort)).toEqual([
      "once dogs a 200..200",
    ]);
    expect(walk.frame(300, { a: [0.9, 0.5] })).toEqual([]);
    expect(walk.frame(400, { a: [0.2, 0.5] }).map(inShort)).toEqual(["once people a 400..400"]);
  });
});

describe("changed rules", () => {
  it("end the events of rules that are gone or different, and no others", () => {
    const walk = new EngineWalk({
      zones: [road, yard],
      rules: [entered, { type: "appeared" }, { ...entered, name: "moved" }, { ...entered, name: "stricter" }],
    });
    walk.frame(0, { a: inside });
    expect(walk.engine.open).toBe(4);
    const events = walk.rules(500, {
      zones: [yard, road],
      rules: [
        { ...entered, name: "stricter", min_score: 0.1 },
        { ...entered, name: "moved", zone: "yard" },
        entered,
      ],
    });
    expect(events.map(inShort)).toEqual([
      "end appeared a 0..500 rule_inactive",
      "end moved a 0..500 rule_inactive",
      "end stricter a 0..500 rule_inactive",
    ]);
    expect(events[0]?.message).toBe("rule appeared ceased to apply while person was in sight");
    // What is there when a rule begins counts as come then; what goes on goes on.
    expect(walk.frame(600, { a: inside }).map(inShort)).toEqual(["start stricter a 600.."]);
    expect(walk.frame(700, { a: [0.45, 0.5] }).map(inShort)).toEqual([
      "end stricter a 600..700 condition_over",
      "end entered_zone-road a 0..700 condition_over",
    ]);
  });

  it("end the events of a rule whose zone has another shape", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered] });
    walk.frame(0, { a: inside });
    const wider = {
      ...road,
      polygon: [
        [0.4, 0],
        [1, 0],
        [1, 1],
        [0.4, 1],
      ],
    };
    expect(walk.rules(100, { zones: [wider], rules: [entered] }).map(inShort)).toEqual([
      "end entered_zone-road a 0..100 rule_inactive",
    ]);
  });

  it("apply to masks at once, without an end to rules", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered] });
    walk.frame(0, { a: inside });
    const mask = { mode: "exclude", polygon: road.polygon };
    expect(walk.rules(100, { zones: [road], masks: [mask], rules: [entered] })).toEqual([]);
    expect(walk.frame(200, { a: inside }).map(inShort)).toEqual([
      "end entered_zone-road a 0..200 condition_over",
    ]);
  });

  it("that are faulty change nothing", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered] });
    walk.frame(0, { a: inside });
    const before = walk.engine.snapshot();
    const faulty = {
      name: "",
      lines: [],
      masks: [],
      etag: "",
      updateTime: undefined,
      zones: [{ name: "x", polygon: [] }],
      rules: [],
    };
    expect(() => walk.engine.rulesChanged(walk.at(1), faulty)).toThrow(RulesError);
    expect(walk.engine.snapshot()).toEqual(before);
  });
});

describe("active hours", () => {
  it("end open events, and begin with what is there", () => {
    const rule = { ...entered, active_hours: { start: "12:01", end: "12:02" } };
    const walk = new EngineWalk({ zones: [road], rules: [rule] });
    expect(walk.frame(59_000, { a: inside })).toEqual([]);
    expect(walk.frame(60_000, { a: inside }).map(inShort)).toEqual(["start entered_zone-road a 60000.."]);
    expect(walk.tick(119_999)).toEqual([]);
    expect(walk.tick(120_000).map(inShort)).toEqual(["end entered_zone-road a 60000..120000 rule_inactive"]);
    expect(walk.frame(120_100, { a: inside })).toEqual([]);
  });
});

describe("a clock that is set", () => {
  it("changes no durations, and an event's end never comes before its start", () => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const walk = new EngineWalk({ zones: [road], rules: [{ ...entered, debounce_seconds: 1 }] });
      walk.frame(0, { a: inside });
      walk.frame(1000, { a: inside });
      walk.wallOffsetMs = jumpMs;
      expect(walk.frame(1100, { a: inside })).toEqual([]);
      walk.frame(2000, { a: [0.25, 0.5] });
      expect(walk.frame(3000, { a: [0.25, 0.5] }).map(inShort)).toEqual([
        "end entered_zone-road a 0..2000 condition_over",
      ]);
    }
  });

  it("may stand still", () => {
    const walk = new EngineWalk({ zones: [road], rules: [entered] });
    expect(walk.frame(0, { a: inside })).toHaveLength(1);
    expect(walk.frame(0, { a: [0.25, 0.5] })).toHaveLength(1);
    expect(walk.frame(0, { a: inside })).toHaveLength(1);
  });
});

describe("a stored state", () => {
  it("is refused when it is not one", () => {
    const state = new EngineWalk({ zones: [road], rules: [entered] }).engine.snapshot();
    const other = (change: object) => new RulesEngine("door", "t", { ...state, ...change } as never);
    expect(() => other({ version: 2 })).toThrow(RulesStateError);
    expect(() => other({ tracks: [{}] })).toThrow(RulesStateError);
    expect(() => other({ rules: null })).toThrow(RulesStateError);
    expect(() => other({ rules: { zones: [{ name: "x" }] } })).toThrow(RulesStateError);
    expect(other({}).snapshot()).toEqual(state);
  });
});
