import type { Point } from "./rules-draft.ts";

/** What the pointer draws. */
export type Tool = "select" | "zone" | "line" | "exclude" | "include" | "privacy";

/** Points of the shape being drawn. */
export type Sketch = readonly Point[];

type DrawingTool = Exclude<Tool, "select">;

const mostCorners = 64;

/** Whether there are enough points for the tool's shape. */
export function sketchIsWhole(tool: DrawingTool, points: Sketch): boolean {
  return tool === "line" ? points.length === 2 : points.length >= 3;
}

/** What is missing from an incomplete shape, and what to do. */
export function openMessage(tool: DrawingTool, { length }: Sketch): string {
  if (tool === "line") return "The line has no end yet: click where it ends, or press Esc to give it up.";
  const kind = tool === "zone" ? "zone" : tool === "privacy" ? "privacy mask" : "mask";
  const corners = length === 1 ? "one corner" : `${length} corners`;
  return `The ${kind} has ${corners} only and needs three: click on, or press Esc to give it up.`;
}

/**
 * Adds a click to a sketch. A line is complete with its second point; a polygon when its first corner is clicked again, or the last one
 * twice.
 * @param reach how near a click must be to mean an existing point, in 0..1 of width and height
 */
export function nextSketch(
  tool: DrawingTool,
  sketch: Sketch,
  click: Point,
  reach: Point,
): { points: Sketch; whole: boolean } {
  const first = sketch[0];
  const last = sketch.at(-1);
  if (last && isNear(last, click, reach))
    return { points: sketch, whole: tool !== "line" && sketchIsWhole(tool, sketch) };
  if (tool === "line") {
    const points = [...sketch, click];
    return { points, whole: points.length === 2 };
  }
  if (first && sketch.length >= 3 && isNear(first, click, reach)) return { points: sketch, whole: true };
  const points = [...sketch, click];
  return { points, whole: points.length === mostCorners };
}

/** A shape in the middle of the picture, for users without a pointer. */
export function middleSketch(tool: DrawingTool): Sketch {
  if (tool === "line")
    return [
      [0.25, 0.5],
      [0.75, 0.5],
    ];
  return [
    [0.35, 0.35],
    [0.65, 0.35],
    [0.65, 0.65],
    [0.35, 0.65],
  ];
}

function isNear(a: Point, b: Point, reach: Point): boolean {
  return Math.abs(a[0] - b[0]) <= reach[0] && Math.abs(a[1] - b[1]) <= reach[1];
}
