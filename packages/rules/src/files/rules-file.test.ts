import { readFileSync } from "node:fs";
import { CameraRules, CrossingDirection, EventType, httpRulesSchema, MaskMode } from "@sightline/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RulesError } from "../errors.ts";
import { anyRules } from "../testing/any-rules.ts";
import { formatRules } from "./format-rules.ts";
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

const plainest =
  '{"zones": [{"name": "road", "polygon": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9]]}], "rules": [{"type": "entered_zone", "zone": "road", "classes": ["person"]}]}';

describe("a rules file", () => {
  it("can be as plain as a zone and a rule", () => {
    const rules = parseRulesFile(plainest, "json");
    expect(rules.zones).toEqual([
      {
        name: "road",
        polygon: [
          { x: 0.3, y: 0.3 },
          { x: 0.7, y: 0.3 },
          { x: 0.7, y: 0.9 },
        ],
      },
    ]);
    expect(rules.rules).toMatchObject([
      {
        name: "entered_zone-road",
        type: EventType.ENTERED_ZONE,
        zone: "road",
        classes: ["person"],
        minScore: 0,
      },
    ]);
  });

  it("can say all that there is, in YAML", () => {
    const rules = parseRulesFile(
      `
zones:
  - name: loading bay
    polygon: [[0.1, 0.2], [0.5, 0.2], [0.5, 0.6], [0.1, 0.6]]
lines:
  - { name: gate, start: [0, 0.5], end: [1, 0.5] }
masks:
  - { mode: exclude, polygon: [[0, 0], [0.2, 0], [0, 0.2]] }
  - { mode: include, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]] }
rules:
  - name: night watch
    type: dwelled
    zone: loading bay
    classes: [person, car]
    attributes: { colour: [red, blue], helmet: none }
    min_score: 0.6
    min_dwell_seconds: 10
    debounce_seconds: 1.5
    cooldown_seconds: 60
    active_hours: { days: [1, 2, 3, 4, 5], start: 22:00, end: 06:00, time_zone: Europe/Berlin }
  - { type: crossed_line, line: gate, direction: left_to_right }
  - { type: count_above, count: 3 }
`,
      "rules.yaml",
    );
    expect(rules.masks.map(({ mode }) => mode)).toEqual([MaskMode.EXCLUDE, MaskMode.INCLUDE]);
    expect(rules.rules[0]).toEqual({
      name: "night watch",
      type: EventType.DWELLED,
      zone: "loading bay",
      line: "",
      direction: CrossingDirection.UNSPECIFIED,
      classes: ["person", "car"],
      attributes: [
        { name: "colour", values: ["red", "blue"] },
        { name: "helmet", values: ["none"] },
      ],
      minScore: Math.fround(0.6),
      minDwellSeconds: 10,
      count: 0,
      debounceSeconds: 1.5,
      cooldownSeconds: 60,
      activeHours: { days: [1, 2, 3, 4, 5], start: "22:00", end: "06:00", timeZone: "Europe/Berlin" },
    });
    expect(rules.rules[1]).toMatchObject({
      name: "crossed_line-gate",
      direction: CrossingDirection.LEFT_TO_RIGHT,
    });
    expect(rules.rules[2]).toMatchObject({ name: "count_above", count: 3, zone: "" });
  });

  it("is read by its name's ending, or by its looks", () => {
    const yaml = "zones: [{ name: a, polygon: [[0, 0], [1, 0], [0, 1]] }]";
    expect(parseRulesFile(yaml, "a/rules.yml").zones).toHaveLength(1);
    expect(parseRulesFile(yaml, "").zones).toHaveLength(1);
    expect(parseRulesFile(plainest, "rules").zones).toHaveLength(1);
    expect(parseRulesFile(plainest, "rules.yaml").zones).toHaveLength(1);
    expect(faultsOf(() => parseRulesFile(yaml, "rules.json"))[0]?.message).toContain("is not JSON");
  });

  it("may have no rules, but must say so", () => {
    expect(parseRulesFile("{}", "json")).toMatchObject({ zones: [], lines: [], masks: [], rules: [] });
    expect(parseRulesFile("rules: []", "yaml").rules).toEqual([]);
    for (const [text, source] of [
      ["", "json"],
      [" \n", "yaml"],
      ["# nothing yet", "yaml"],
      ["null", "json"],
    ] as const)
      expect(faultsOf(() => parseRulesFile(text, source))[0]?.message).toContain("is empty");
  });

  it("may write types in capital letters, and points with their axes", () => {
    const { zones, rules } = parseRules({
      zones: [{ name: "a", polygon: [{ x: 0, y: 0 }, { y: 0.25, x: 1 }, [0, 1]] }],
      rules: [
        { type: "ENTERED_ZONE", zone: "a" },
        { type: "Count_Above", count: 3 },
      ],
    });
    expect(zones[0]?.polygon).toEqual([
      { x: 0, y: 0 },
      { x: 1, y: 0.25 },
      { x: 0, y: 1 },
    ]);
    expect(rules.map(({ name }) => name)).toEqual(["entered_zone-a", "count_above"]);
  });

  it("may share parts by YAML's anchors and merges", () => {
    const text = `
zones: [{ name: a, polygon: &outline [[0, 0], [1, 0], [0, 1]] }]
masks: [{ mode: include, polygon: *outline }]
rules:
  - &people { type: entered_zone, zone: a, classes: [person], min_score: 0.5 }
  - { <<: *people, type: left_zone }
`;
    const { masks, rules } = parseRulesFile(text, "yaml");
    expect(masks[0]?.polygon).toHaveLength(3);
    expect(rules[1]).toMatchObject({ name: "left_zone-a", classes: ["person"], minScore: 0.5 });
  });

  it("gives rules without a name different ones, and none that is taken", () => {
    const { rules } = parseRules({
      rules: [
        { type: "appeared" },
        { type: "appeared" },
        { type: "left", name: "appeared-2" },
        { type: "appeared" },
      ],
    });
    expect(rules.map(({ name }) => name)).toEqual(["appeared", "appeared-3", "appeared-2", "appeared-4"]);
  });

  it("comes out as it went in", () => {
    fc.assert(
      fc.property(anyRules, (value) => {
        const rules = parseRules(value);
        const form = httpRulesSchema.parse(JSON.parse(JSON.stringify(formatRules(rules))));
        expect(parseRules(form)).toEqual(rules);
        const overTheWire = CameraRules.decode(CameraRules.encode(rules).finish());
        expect(formatRules(overTheWire)).toEqual(form);
      }),
      { numRuns: 200 },
    );
  });

  it("writes a score as people do", () => {
    const rules = parseRules({ rules: [{ type: "appeared", min_score: 0.3 }] });
    expect(rules.rules[0]?.minScore).toBe(Math.fround(0.3));
    expect(formatRules(rules).rules).toEqual([{ name: "appeared", type: "appeared", min_score: 0.3 }]);
  });
});

describe("docs/rules.md", () => {
  it("shows rules files that can be used as they are", () => {
    const text = readFileSync(new URL("../../../../docs/rules.md", import.meta.url), "utf8");
    const examples = [...text.matchAll(/^```(json|yaml)\n(.*?)^```$/gms)];
    expect(examples.map(([, format]) => format)).toEqual(["json", "yaml"]);
    for (const [, format, example] of examples) {
      expect(parseRulesFile(example!, format!).rules.length).toBeGreaterThan(0);
    }
  });
});
