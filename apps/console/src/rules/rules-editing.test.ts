import { describe, expect, it } from "vitest";
import { draftOf, type Point } from "./rules-draft.ts";
import { RulesEditing } from "./rules-editing.ts";
import type { Tool } from "./sketch.ts";

const reach: Point = [0.02, 0.02];
const corners: Point[] = [
  [0.1, 0.1],
  [0.5, 0.1],
  [0.5, 0.5],
];

function drawing(tool: Tool, clicks: readonly Point[]): RulesEditing {
  const editing = new RulesEditing(draftOf({ zones: [], lines: [], masks: [], rules: [], etag: "1" }));
  editing.choose(tool);
  for (const point of clicks) editing.sketchTo(point, reach);
  return editing;
}

const shapes = ({ draft }: RulesEditing) => draft.value.shapes.map(({ kind, points }) => [kind, points]);

describe("a shape that is being drawn", () => {
  it("counts as a change, and is undone corner by corner", () => {
    const editing = drawing("zone", corners.slice(0, 1));
    expect([editing.changed.value, editing.canUndo.value]).toEqual([true, true]);
    editing.undo();
    expect([editing.changed.value, editing.sketch.value]).toEqual([false, []]);
  });

  it("is closed when it is whole: by Save, Enter or another tool", () => {
    const editing = drawing("zone", corners);
    expect(editing.closeSketch()).toBe(true);
    expect(shapes(editing)).toEqual([["zone", corners]]);
    const other = drawing("exclude", corners);
    other.choose("line");
    expect(shapes(other)).toEqual([["mask", corners]]);
    expect(other.tool.value).toBe("line");
  });

  it("is kept, with a word on what it lacks, when it is not", () => {
    const editing = drawing("zone", corners.slice(0, 2));
    editing.choose("line");
    expect(editing.closeSketch()).toBe(false);
    expect(editing.openFault.value).toMatch(/^The zone has 2 corners only and needs three/);
    expect([editing.tool.value, editing.sketch.value.length, shapes(editing)]).toEqual(["zone", 2, []]);
    editing.sketchTo([0.5, 0.5], reach);
    expect([editing.openFault.value, editing.closeSketch()]).toEqual(["", true]);
    const line = drawing("line", corners.slice(0, 1));
    expect(line.closeSketch()).toBe(false);
    expect(line.openFault.value).toMatch(/^The line has no end yet/);
    line.dropSketch();
    expect([line.closeSketch(), line.changed.value, line.openFault.value]).toEqual([true, false, ""]);
  });
});

it("keeps what was changed while the rules were on their way to the server", () => {
  const editing = drawing("zone", corners);
  editing.closeSketch();
  const sent = editing.draft.value;
  editing.choose("line");
  editing.sketchTo([0.1, 0.9], reach);
  editing.sketchTo([0.9, 0.9], reach);
  editing.settle(sent, draftOf({ zones: [], lines: [], masks: [], rules: [], etag: "2" }));
  expect(shapes(editing).map(([kind]) => kind)).toEqual(["zone", "line"]);
  expect([editing.changed.value, editing.draft.value.etag]).toEqual([true, "2"]);
});
