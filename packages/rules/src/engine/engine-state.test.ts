import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseRules } from "../files/parse-rules.ts";
import { EngineWalk, inShort } from "../testing/engine-walk.ts";
import { RulesEngine } from "./rules-engine.ts";

type Corner = [x: number, y: number];
const road: Corner[] = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]; // biome-ignore format: a polygon
const corner: Corner[] = [[0, 0], [0.1, 0], [0.1, 0.1]]; // biome-ignore format: a polygon
const all: Corner[] = [[0, 0], [1, 0], [1, 1], [0, 1]]; // biome-ignore format: a polygon

/** Rules with something in every field, as the registry has them; those of the stored state below. */
const rules = {
  ...parseRules({
    zones: [{ name: "road", polygon: road }],
    lines: [{ name: "gate", start: [0.6, 0], end: [0.6, 1] }],
    masks: [
      { mode: "exclude", polygon: corner },
      { mode: "include", polygon: all },
    ],
    rules: [
      {
        ...{ type: "entered_zone", zone: "road", classes: ["person"], min_score: 0.3 },
        ...{ debounce_seconds: 0.5, cooldown_seconds: 10, attributes: { colour: ["red", "blue"] } },
        active_hours: { days: [1, 2], start: "08:00", end: "18:30", time_zone: "Europe/Berlin" },
      },
      { type: "crossed_line", line: "gate", direction: "left_to_right" },
      { type: "dwelled", zone: "road", min_dwell_seconds: 1 },
      { type: "count_above", count: 1 },
    ],
  }),
  ...{ name: "cameras/door/rules", etag: "7", updateTime: { seconds: 1_772_359_200, nanos: 500_000_000 } },
};

/** Goes on from a state that was stored 2.5 s into the walk. */
function restored(stored: string): EngineWalk {
  const walk = new EngineWalk();
  walk.engine = new RulesEngine("door", "t", JSON.parse(stored));
  return walk;
}

describe.each([
  {
    // Rules in protobuf's JSON form: names of enums, times as text, nothing that is at its default.
    stored: "that an earlier version stored",
    read: () =>
      readFileSync(fileURLToPath(new URL("./fixtures/state-with-enum-names.json", import.meta.url)), "utf8"),
  },
  {
    stored: "that this version stored",
    read: () => {
      const walk = new EngineWalk();
      walk.engine.rulesChanged(walk.at(0), rules);
      const known = { known: { colour: "red" } };
      walk.frame(0, { a: [0.3, 0.5], b: [0.7, 0.5, known] });
      walk.frame(1000, { a: [0.7, 0.5], b: [0.72, 0.5, known] });
      walk.frame(2500, { a: [0.71, 0.5], b: [0.72, 0.5, known] });
      return JSON.stringify(walk.engine.snapshot());
    },
  },
])("a state $stored", ({ read }) => {
  it("holds the same rules", () => {
    expect(restored(read()).engine.snapshot().rules).toEqual(rules);
  });

  it("goes on with its open events, also when the same rules are told again", () => {
    const walk = restored(read());
    expect(walk.engine.open).toBe(4);
    expect(walk.engine.rulesChanged(walk.at(2600), structuredClone(rules))).toEqual([]);
    expect(walk.frame(2700, {}, ["a", "b"]).map(inShort)).toEqual([
      "end entered_zone-road b 0..2500 track_lost",
      "end dwelled-road a 2500..2500 track_lost",
      "end dwelled-road b 1000..2500 track_lost",
      "end count_above 0 0..2700 condition_over",
    ]);
  });
});
