import { describe, expect, it } from "vitest";
import { RulesError } from "../errors.ts";
import { parseRules } from "../files/parse-rules.ts";
import { EngineWalk, inShort, type Sight } from "../testing/engine-walk.ts";
import { RulesEngine } from "./rules-engine.ts";

const zones = [
  {
    name: "road",
    polygon: [
      [0.5, 0],
      [1, 0],
      [1, 1],
      [0.5, 1],
    ],
  },
];
const lines = [{ name: "kerb", start: [0.5, 1], end: [0.5, 0] }];
const red = { colour: "red" };
const blue = { colour: ["blue"] };
const at = (x: number, colour?: string): Sight => [x, 0.5, colour === undefined ? {} : { known: { colour } }];
const walkWith = (...rules: unknown[]) => new EngineWalk({ zones, lines, rules });

describe("a rule that asks for an attribute", () => {
  it("makes an event of an object that is known to be so, and of no other", () => {
    const walk = walkWith({ type: "entered_zone", zone: "road", attributes: red });
    const [start, ...others] = walk.frame(0, { a: at(0.75, "red"), b: at(0.8, "blue"), c: at(0.7) });
    expect(others).toEqual([]);
    expect(start!.message).toBe("person (colour red) entered road");
    expect(start!.track!.attributes).toEqual([{ name: "colour", value: "red", score: 0.9 }]);
  });

  it("makes it once that is known, with the start of when the object came", () => {
    const walk = walkWith({ type: "entered_zone", zone: "road", attributes: red });
    expect(walk.frame(0, { a: at(0.75) })).toEqual([]);
    expect(walk.frame(300, { a: at(0.75, "red") }).map(inShort)).toEqual(["start entered_zone-road a 0.."]);
    // What has begun goes on, as red, whatever it is taken for later.
    expect(walk.frame(2000, { a: at(0.75, "blue") })).toEqual([]);
    const [end] = walk.frame(2100, { a: at(0.25, "blue") });
    expect([inShort(end!), end!.track!.attributes[0]!.value]).toEqual([
      "end entered_zone-road a 0..2100 condition_over",
      "red",
    ]);
  });

  it("counts, and sees cross a line or leave, only those that are so", () => {
    const walk = walkWith(
      { type: "count_above", count: 1, zone: "road", attributes: blue },
      { type: "crossed_line", line: "kerb", attributes: blue },
      { type: "left_zone", zone: "road", attributes: blue },
    );
    walk.frame(0, { a: at(0.9, "blue"), b: at(0.1, "blue"), c: at(0.1, "red"), d: at(0.8, "red") });
    const events = walk.frame(100, {
      a: at(0.9, "blue"),
      b: at(0.9, "blue"),
      c: at(0.9, "red"),
      d: at(0.8, "red"),
    });
    expect(events.map(inShort)).toEqual([
      "start count_above-road 2 100..",
      "once crossed_line-kerb b 100..100",
    ]);
    expect(events[0]!.message).toBe("object (colour blue) count in road is 2, above 1");
    expect(
      walk
        .frame(200, { a: at(0.1, "blue"), b: at(0.9, "blue"), c: at(0.1, "red"), d: at(0.1, "red") })
        .map(inShort),
    ).toEqual([
      "end count_above-road 1 100..200 condition_over",
      "once crossed_line-kerb a 200..200",
      "once left_zone-road a 200..200",
    ]);
  });

  it("is a rule of its own when the values change, and survives a restart", () => {
    const rule = { type: "entered_zone", zone: "road", name: "watch" };
    const walk = new EngineWalk({ zones, rules: [{ ...rule, attributes: red }] });
    walk.frame(0, { a: at(0.75, "red") });
    walk.engine = new RulesEngine("door", "t", JSON.parse(JSON.stringify(walk.engine.snapshot())));
    expect(walk.rules(100, { zones, rules: [{ ...rule, attributes: red }] })).toEqual([]);
    expect(walk.rules(200, { zones, rules: [{ ...rule, attributes: blue }] }).map(inShort)).toEqual([
      "end watch a 0..200 rule_inactive",
    ]);
  });
});

it("an event without such a rule tells what becomes known of its object, once", () => {
  const walk = walkWith({ type: "appeared" });
  expect(walk.frame(0, { a: at(0.2) })[0]!.track!.attributes).toEqual([]);
  expect(walk.frame(500, { a: at(0.2, "red") })).toEqual([]);
  const [update] = walk.frame(1000, { a: at(0.2, "red") });
  expect([inShort(update!), update!.message]).toEqual([
    "update appeared a 0..",
    "person (colour red) appeared",
  ]);
  expect(walk.frame(2500, { a: at(0.2, "red") })).toEqual([]);
});

it("what cannot be asked for is refused, in words", () => {
  const faults = (attributes: unknown, known?: { name: string; values: string[] }[]) => {
    try {
      parseRules({ rules: [{ type: "appeared", attributes }] }, known && { attributes: known });
    } catch (error) {
      if (error instanceof RulesError) return error.message;
      throw error;
    }
    return "";
  };
  const colour = { name: "colour", values: ["red", "blue"] };
  expect(faults(red, [colour])).toBe("");
  expect(faults(red)).toBe("");
  expect(faults(red, [])).toBe(
    'rules[0].attributes.colour: The camera has no second stage that tells "colour"; give it one with --then MODEL.',
  );
  expect(faults({ size: "big" }, [colour])).toContain('tell no "size"; they tell colour');
  expect(faults({ colour: ["red", "pink"] }, [colour])).toBe(
    'rules[0].attributes.colour[1]: "pink" is no colour; it is one of: red, blue.',
  );
  expect(faults({ colour: [] })).toContain('at least one value of "colour"');
  expect(faults({ colour: ["red", "red"] })).toContain('"red" is named twice');
  expect(faults({ colour: 3 })).toContain("must be a value, or a list of values");
  expect(faults(["red"])).toContain("must name attributes with their values");
});
