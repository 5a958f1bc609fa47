import { CameraRules, EventType } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { checkRules } from "../check/check-rules.ts";
import { RulesError } from "../errors.ts";
import { parseRules, parseRulesFile } from "./parse-rules.ts";

function faultsOf(read: () => unknown): { field: string; message: string }[] {
  try {
    read();
  } catch (error) {
    if (error instanceof RulesError) return [...error.faults];
    throw error;
  }
  throw new Error("no fault was found");
}
const faultsIn = (value: unknown) => faultsOf(() => parseRules(value));

describe("a faulty rules file", () => {
  const triangle = [
    [0, 0],
    [1, 0],
    [0, 1],
  ];

  it("is told its faults of form and of value at once, in the order of the file", () => {
    const faults = faultsIn({
      zones: [
        {
          name: "road",
          polygon: [
            [0, 0],
            [1, 0],
          ],
        },
        { name: "yard", polygon: "all" },
        { name: "road", polygon: triangle },
      ],
      lines: [{ name: "gate", start: [0, 0], end: [2, 0] }],
      masks: { mode: "exclude" },
      rules: [
        { type: "entered_zone", zone: "yard" },
        { type: "entered_zone", zone: "street" },
        { type: "count_above", zone: "road" },
        { type: "entred_zone", zone: "street" },
        { type: "dwelled", min_score: 2 },
      ],
    });
    expect(faults.map(({ field }) => field)).toEqual([
      "zones[0].polygon",
      "zones[1].polygon",
      "zones[2].name",
      "lines[0].end",
      "masks",
      "rules[1].zone",
      "rules[2].count",
      "rules[3].type",
      "rules[3].zone",
      "rules[4].min_score",
      "rules[4].min_dwell_seconds",
    ]);
  });

  it("is told what a part whose form is wrong says of names and places, too", () => {
    const polygon = [
      [0, 0],
      [1, 0],
      [0, 1],
    ];
    const zones = [
      { name: "road", polygon },
      { name: "road", polygon: 5 },
    ];
    const rules = [
      { name: "first", type: "appeared" },
      { name: "first", type: "nonsense", zone: "yard", line: "gate" },
      { type: "entered_zone", zone: 5 },
    ];
    expect(faultsIn({ zones, rules }).map(({ field }) => field)).toEqual([
      "zones[1].polygon",
      "zones[1].name",
      "rules[1].type",
      "rules[1].name",
      "rules[1].zone",
      "rules[1].line",
      "rules[2].zone",
    ]);
  });

  it("is told all its faults of form at once, with their places", () => {
    const faults = faultsIn({
      zone: [],
      zones: [
        { name: "a", polygon: [[0, 0], [1, 0], [0]] },
        { name: 7, polygon: "all", color: "red" },
      ],
      rules: [
        { type: "entered" },
        { zone: "a" },
        { type: "appeared", min_dwell: 3 },
        { type: "appeared", min_score: "high" },
      ],
    });
    expect(faults.map(({ field }) => field).toSorted()).toEqual(
      [
        "",
        "rules[0].type",
        "rules[1].type",
        "rules[2]",
        "rules[3].min_score",
        "zones[0].polygon[2]",
        "zones[1]",
        "zones[1].name",
        "zones[1].polygon",
      ].toSorted(),
    );
    const message = (field: string) => faults.find((fault) => fault.field === field)?.message;
    expect(message("")).toBe(
      '"zone" is no field of a rules file; fields are: zones, lines, masks, rules, etag.',
    );
    expect(message("rules[2]")).toContain("min_dwell_seconds");
    expect(message("rules[0].type")).toContain("entered_zone");
  });

  it("is told what is wrong with its JSON or YAML", () => {
    expect(faultsOf(() => parseRulesFile('{"zones": [', "json"))[0]?.message).toContain("is not JSON");
    expect(faultsOf(() => parseRulesFile("zones: [", "yaml"))[0]?.message).toContain("is not YAML");
    expect(faultsOf(() => parseRulesFile("zones: []\nzones: []", "yaml"))[0]?.message).toContain("unique");
    expect(faultsOf(() => parseRulesFile('{"zones": [],\n "zones": []}', "json"))[0]?.message).toBe(
      `The rules file is not JSON: field "zones" stands twice: line 2, column 2.`,
    );
    expect(faultsOf(() => parseRulesFile("- 1", "yaml"))[0]?.message).toContain("a rules file");
    expect(faultsOf(() => parseRulesFile(" ".repeat(2 ** 20 + 1), "json"))[0]?.message).toContain(
      "characters",
    );
  });

  it("is told so on one line without control characters, whatever it holds", () => {
    for (const [text, source] of [
      ["zones:\n\t- name: a", "yaml"],
      ["zones: []\n---\nzones: []", "yaml"],
      ['\u001b[31m"a": 1\n\nb', "yaml"],
      ['{\n"zones": [}\n\u001b[31m', "json"],
      ["\u0000\u0007", "json"],
    ] as const) {
      const [fault, ...others] = faultsOf(() => parseRulesFile(text, source));
      expect(others).toEqual([]);
      expect(fault?.message).toMatch(/^The rules file (is not JSON|is not YAML|holds several)[^\p{Cc}]*\.$/u);
    }
  });

  it("is told of what is no number or no type in words of its own", () => {
    const point = "must be a point: [x, y], both numbers from 0 to 1.";
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, "0.5", null]) {
      const faults = faultsIn({ zones: [{ name: "a", polygon: [...triangle.slice(1), [0, odd]] }] });
      expect(faults).toEqual([{ field: "zones[0].polygon[2]", message: point }]);
    }
    const [type] = faultsIn({ rules: [{ type: "entred_zone" }] });
    expect(type?.message).toContain('not "entred_zone"');
    expect(type?.message).not.toContain("camera_down");
  });

  it("cannot blow up", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 12; level++) {
      const before = String.fromCharCode(96 + level);
      const name = String.fromCharCode(97 + level);
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(", ")}]`);
    }
    expect(faultsOf(() => parseRulesFile(bomb.join("\n"), "yaml"))[0]?.message).toContain("is not YAML");
    expect(faultsOf(() => parseRulesFile("[".repeat(100_000), "yaml"))).toHaveLength(1);
  });

  it("is told all that its shapes and rules lack", () => {
    const faults = faultsIn({
      zones: [
        { name: "ok", polygon: triangle },
        {
          name: "bow",
          polygon: [
            [0, 0],
            [1, 1],
            [1, 0],
            [0, 1],
          ],
        },
        {
          name: "flat",
          polygon: [
            [0, 0],
            [0.5, 0.5],
            [1, 1],
          ],
        },
        {
          name: "pixels",
          polygon: [
            [0, 0],
            [640, 0],
            [640, 480],
          ],
        },
        {
          name: "two",
          polygon: [
            [0, 0],
            [1, 1],
          ],
        },
        { name: "ring", polygon: [...triangle, [0, 0]] },
        { name: "ok", polygon: triangle },
        { name: "a/b", polygon: triangle },
      ],
      lines: [{ name: "dot", start: [0.5, 0.5], end: [0.5, 0.5] }],
      masks: [{ mode: "exclude", polygon: [[0, 0]] }],
      rules: [
        { type: "entered_zone" },
        { type: "entered_zone", zone: "raod" },
        {
          type: "crossed_line",
          zone: "ok",
          line: "dot",
          debounce_seconds: 1,
          min_dwell_seconds: 1,
          count: 2,
        },
        { type: "dwelled", direction: "left_to_right" },
        { type: "count_below", count: 0 },
        { type: "appeared", min_score: 2, cooldown_seconds: -1, classes: ["", "cat", "cat"] },
        { type: "camera_down" },
        {
          type: "appeared",
          name: "hours",
          active_hours: { days: [0, 1, 1], start: "8:00", end: "25:00", time_zone: "Mars/Olympus" },
        },
        { type: "appeared", name: "never", active_hours: { start: "08:00", end: "08:00" } },
        { type: "appeared", name: "never" },
      ],
    });
    expect(faults.map(({ field }) => field)).toEqual([
      "zones[6].name",
      "zones[7].name",
      "zones[1].polygon",
      "zones[2].polygon",
      "zones[3].polygon[1]",
      "zones[3].polygon[2]",
      "zones[4].polygon",
      "zones[5].polygon[3]",
      "lines[0]",
      "masks[0].polygon",
      "rules[9].name",
      "rules[0].zone",
      "rules[1].zone",
      "rules[2].zone",
      "rules[2].min_dwell_seconds",
      "rules[2].count",
      "rules[2].debounce_seconds",
      "rules[3].direction",
      "rules[3].min_dwell_seconds",
      "rules[4].count",
      "rules[5].classes[0]",
      "rules[5].classes[2]",
      "rules[5].min_score",
      "rules[5].cooldown_seconds",
      "rules[6].type",
      "rules[7].active_hours.days[0]",
      "rules[7].active_hours.days[2]",
      "rules[7].active_hours.start",
      "rules[7].active_hours.end",
      "rules[7].active_hours.time_zone",
      "rules[8].active_hours.end",
    ]);
    const message = (field: string) => faults.find((fault) => fault.field === field)?.message;
    expect(message("zones[1].polygon")).toBe(
      "The edge from point 0 to 1 meets the edge from point 2 to 3. Give the points in order around the outline, so that no edges cross; use several zones for several parts.",
    );
    expect(message("zones[3].polygon[1]")).toContain("not pixels");
    expect(message("rules[1].zone")).toContain('There is no zone "raod"; zones are: ok, bow');
    expect(message("rules[6].type")).toContain("need no rule");
  });

  it("means the whole picture only by leaving the zone out", () => {
    const message = "must not be empty; leave the field out where no place is meant.";
    expect(faultsIn({ rules: [{ type: "appeared", zone: "" }] })).toEqual([
      { field: "rules[0].zone", message },
    ]);
    expect(parseRules({ rules: [{ type: "appeared" }] }).rules[0]?.zone).toBe("");
  });

  it("must give a count to be counted against", () => {
    expect(faultsIn({ rules: [{ type: "count_above" }] })).toEqual([
      { field: "rules[0].count", message: "A rule of type count_above needs a count." },
    ]);
    expect(parseRules({ rules: [{ type: "count_above", count: 0 }] }).rules[0]?.count).toBe(0);
  });

  it("has bounds", () => {
    const many = <T>(count: number, item: (index: number) => T) =>
      Array.from({ length: count }, (_, index) => item(index));
    const zone = (index: number) => ({ name: `z${index}`, polygon: triangle });
    expect(
      parseRules({ zones: many(64, zone), rules: many(128, () => ({ type: "left" })) }).rules,
    ).toHaveLength(128);
    expect(faultsIn({ zones: many(65, zone) }).map(({ field }) => field)).toEqual(["zones"]);
    expect(faultsIn({ rules: many(129, () => ({ type: "left" })) }).map(({ field }) => field)).toEqual([
      "rules",
    ]);
    const around = many(65, (index) => [0.5 + Math.cos(index / 11) / 2, 0.5 + Math.sin(index / 11) / 2]);
    expect(faultsIn({ zones: [{ name: "round", polygon: around }] })).toEqual([
      { field: "zones[0].polygon", message: "A polygon has 3 to 64 points, not 65." },
    ]);
  });

  it("is told of classes that the model does not know", () => {
    const value = { rules: [{ type: "appeared", classes: ["person", "prson"] }] };
    expect(parseRules(value).rules[0]?.classes).toEqual(["person", "prson"]);
    expect(faultsOf(() => parseRules(value, { classes: ["person", "car"] }))).toEqual([
      {
        field: "rules[0].classes[1]",
        message: 'The camera\'s model knows no "prson"; it knows person, car.',
      },
    ]);
  });
});

describe("a message that no file can be", () => {
  it("is told its faults all the same", () => {
    const message = CameraRules.fromPartial({
      lines: [{ name: "a", start: { x: 0, y: Number.NaN } }],
      masks: [
        {
          polygon: [
            { x: 0, y: 0 },
            { x: 1, y: 0 },
            { x: 1, y: 1 },
          ],
        },
      ],
      rules: [
        { type: EventType.UNSPECIFIED },
        { type: EventType.APPEARED, minScore: Number.NaN, debounceSeconds: Number.NaN },
      ],
    });
    expect(faultsOf(() => checkRules(message)).map(({ field }) => field)).toEqual([
      "lines[0].start",
      "lines[0].end",
      "masks[0].mode",
      "rules[0].type",
      "rules[1].min_score",
      "rules[1].debounce_seconds",
    ]);
  });
});
