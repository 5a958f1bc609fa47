import { describe, expect, it } from "vitest";
import { maskFaults } from "./check-draft.ts";
import { maskShapes, masksOf } from "./privacy-masks.ts";
import { bodyOf } from "./rules-body.ts";
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

describe("privacy masks", () => {
  const empty = { zones: [], lines: [], masks: [], rules: [], etag: "1" };
  const mask: [number, number][] = [
    [0, 0],
    [0.5, 0],
    [0.5, 0.25],
  ];

  it("are drawn like other shapes, and are no part of the rules", () => {
    const editing = drawing("privacy", corners);
    expect(editing.closeSketch()).toBe(true);
    expect(editing.changedParts.value).toEqual(["masks"]);
    expect(masksOf(editing.draft.value)).toEqual([corners]);
    expect(bodyOf(editing.draft.value)).toEqual(empty);
    editing.undo();
    expect(editing.changedParts.value).toEqual([]);
  });

  it("are saved apart: what could not be saved is not lost, and can be saved later", () => {
    const editing = new RulesEditing(draftOf(empty, maskShapes([mask])));
    for (const tool of ["privacy", "zone"] as const) editing.draw(tool, corners);
    expect(editing.changedParts.value).toEqual(["masks", "rules"]);
    const sent = editing.draft.value;
    editing.settle(sent, draftOf(empty, maskShapes([mask, corners as [number, number][]])), ["masks"]);
    expect(editing.changedParts.value).toEqual(["rules"]);
    expect([masksOf(editing.draft.value).length, editing.draft.value.etag]).toEqual([2, "1"]);
    expect(bodyOf(editing.draft.value).zones).toHaveLength(1);
    // Somebody else's rules are taken; the masks stay as they are saved.
    editing.take(draftOf({ ...empty, etag: "2" }), ["rules"]);
    expect([editing.changed.value, editing.draft.value.etag, masksOf(editing.draft.value).length]).toEqual([
      false,
      "2",
      2,
    ]);
  });

  it("are sixteen at most, and told of at the mask that the server finds wrong", () => {
    const editing = new RulesEditing(draftOf(empty, maskShapes(Array(17).fill(mask))));
    expect(editing.faults.value).toEqual([
      { key: "privacy-16", message: "A camera has 16 privacy masks at most." },
    ]);
    const refusal = "camera.privacy_masks is wrong in mask 2: edges 1 and 3 cross";
    expect(maskFaults(refusal, editing.draft.value)).toEqual([
      { key: "privacy-1", message: "edges 1 and 3 cross" },
    ]);
    const other = "camera.privacy_masks has 17 masks; the most is 16";
    expect(maskFaults(other, editing.draft.value)).toEqual([{ key: "", message: other }]);
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
