import type { HttpRules } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { checkDraft, serverFaults } from "./check-draft.ts";
import {
  changeShape,
  movePoint,
  moveShape,
  removePoint,
  removeShape,
  reverseLine,
  splitEdge,
} from "./edit-draft.ts";
import { crossingEdges, leftToRight } from "./geometry.ts";
import { bodyOf } from "./rules-body.ts";
import { draftOf, freeName } from "./rules-draft.ts";

const rules: HttpRules = {
  zones: [
    {
      name: "road",
      polygon: [
        [0.2, 0.2],
        [0.8, 0.2],
        [0.8, 0.6],
        [0.2, 0.6],
      ],
    },
  ],
  lines: [{ name: "gate", start: [0.1, 0.5], end: [0.9, 0.5] }],
  masks: [
    {
      mode: "exclude",
      polygon: [
        [0, 0],
        [0.1, 0],
        [0, 0.1],
      ],
    },
  ],
  rules: [
    {
      name: "in",
      type: "entered_zone",
      zone: "road",
      classes: ["person"],
      attributes: { colour: ["red", "blue"], helmet: ["none"] },
      min_score: 0.3,
      cooldown_seconds: 5,
    },
    { name: "over", type: "crossed_line", line: "gate", direction: "left_to_right" },
    {
      name: "crowd",
      type: "count_above",
      count: 3,
      active_hours: { days: [1, 7], start: "22:00", end: "06:00", time_zone: "Europe/Berlin" },
    },
  ],
  etag: "4",
};

describe("rules draft", () => {
  it("is saved as it was loaded", () => {
    expect(bodyOf(draftOf(rules))).toEqual(rules);
    expect(checkDraft(draftOf(rules))).toEqual([]);
  });

  it("leaves out what a rule's type does not have", () => {
    const draft = draftOf(rules);
    const changed = {
      ...draft,
      rules: draft.rules.map((rule) => ({ ...rule, type: "crossed_line" as const, line: "line-0" })),
    };
    expect(bodyOf(changed).rules[0]).toEqual({
      name: "in",
      type: "crossed_line",
      line: "gate",
      classes: ["person"],
      attributes: { colour: ["red", "blue"], helmet: ["none"] },
      min_score: 0.3,
      cooldown_seconds: 5,
    });
  });

  it("finds a free name", () => {
    const draft = draftOf({ ...rules, zones: [{ name: "zone 1", polygon: [] }] });
    expect([freeName(draft, "zone"), freeName(draft, "line")]).toEqual(["zone 2", "line 1"]);
  });
});

describe("editing", () => {
  const draft = draftOf(rules);
  const points = (edited: typeof draft, key: string) =>
    edited.shapes.find((shape) => shape.key === key)?.points;

  it("keeps points and shapes in the picture", () => {
    expect(points(movePoint(draft, "zone-0", 1, [1.4, -2]), "zone-0")?.[1]).toEqual([1, 0]);
    const moved = points(moveShape(draft, "zone-0", [0.5, -0.1]), "zone-0") ?? [];
    expect(moved[0]).toEqual([expect.closeTo(0.4), expect.closeTo(0.1)]);
    expect(moved[2]).toEqual([expect.closeTo(1), expect.closeTo(0.5)]);
  });

  it("adds corners in the middle of edges, also of the last, and leaves at least three", () => {
    expect(points(splitEdge(draft, "zone-0", 3), "zone-0")?.[4]).toEqual([0.2, 0.4]);
    const three = removePoint(draft, "zone-0", 0);
    expect(points(three, "zone-0")).toHaveLength(3);
    expect(points(removePoint(three, "zone-0", 0), "zone-0")).toHaveLength(3);
  });

  it("keeps rules over a zone or line while it gets another name, also by way of none", () => {
    const nameless = changeShape(draft, "zone-0", { name: "" });
    expect(checkDraft(nameless).map(({ key }) => key)).toEqual(["zone-0"]);
    const renamed = changeShape(changeShape(nameless, "zone-0", { name: "street" }), "line-0", {
      name: "door",
    });
    expect(bodyOf(renamed).rules).toMatchObject([{ zone: "street" }, { line: "door" }, {}]);
    expect(checkDraft(renamed)).toEqual([]);
  });

  it("turns a line around", () => {
    expect(points(reverseLine(draft, "line-0"), "line-0")).toEqual([
      [0.9, 0.5],
      [0.1, 0.5],
    ]);
  });
});

describe("checking", () => {
  it("finds edges that cross", () => {
    expect(
      crossingEdges([
        [0, 0],
        [1, 1],
        [1, 0],
        [0, 1],
      ]),
    ).toEqual([0, 2]);
    expect(
      crossingEdges([
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ]),
    ).toBeUndefined();
    expect(
      crossingEdges([
        [0, 0],
        [1, 0],
        [0, 1],
      ]),
    ).toBeUndefined();
  });

  it("tells what is wrong with which shape and rule", () => {
    const draft = draftOf({
      ...rules,
      zones: [
        {
          name: "a",
          polygon: [
            [0, 0],
            [1, 1],
            [1, 0],
            [0, 1],
          ],
        },
        {
          name: "a",
          polygon: [
            [0, 0],
            [0.5, 0.5],
            [1, 1],
          ],
        },
      ],
      rules: [{ type: "dwelled" }, { type: "entered_zone", zone: "gone" }, { type: "count_below", count: 0 }],
    });
    const faults = checkDraft(draft).map(({ key, message }) => `${key}: ${message}`);
    expect(faults).toEqual([
      "zone-0: Another zone has this name.",
      expect.stringMatching(/^zone-0: The edges after corner 1 and after corner 3 cross/),
      "zone-1: Another zone has this name.",
      expect.stringMatching(/^zone-1: The corners are on one line/),
      "rule-0: Say how long the object must stay.",
      "rule-1: There is no zone “gone” any more.",
      "rule-2: The number is a whole one, from 1.",
    ]);
  });

  it("finds rules of a removed zone, and never takes the whole picture for it", () => {
    const draft = removeShape(
      draftOf({ ...rules, rules: [{ type: "dwelled", zone: "road", min_dwell_seconds: 5 }] }),
      "zone-0",
    );
    expect(checkDraft(draft)).toEqual([{ key: "rule-0", message: "There is no zone “road” any more." }]);
    expect(bodyOf(draft).rules).toMatchObject([{ zone: "road" }]);
  });

  it("wants the whole picture to be chosen", () => {
    const draft = draftOf({ ...rules, rules: [{ type: "appeared" }] });
    expect(checkDraft(draft)).toEqual([]);
    expect(bodyOf(draft).rules).toEqual([{ type: "appeared" }]);
    const unchosen = { ...draft, rules: draft.rules.map((rule) => ({ ...rule, zone: "" })) };
    expect(checkDraft(unchosen)).toEqual([
      { key: "rule-0", message: "Choose the zone, or the whole picture." },
    ]);
    expect(bodyOf(unchosen).rules).toEqual([{ type: "appeared", zone: "" }]);
  });

  it("puts the server's faults where they belong", () => {
    const faults = serverFaults(
      "zones[0].polygon[2]: This point is the same.\nrules[1].min_score: must be a number.\nThere is a fault.",
      draftOf(rules),
    );
    expect(faults).toEqual([
      { key: "zone-0", message: "This point is the same." },
      { key: "rule-1", message: "min score: must be a number." },
      { key: "", message: "There is a fault." },
    ]);
  });
});

it("leads from left to right over a line, as seen from its start", () => {
  expect(leftToRight([0, 0.5], [1, 0.5], 2)).toEqual([-0, 1]);
  expect(leftToRight([0.5, 1], [0.5, 0], 2)).toEqual([1, 0]);
});
