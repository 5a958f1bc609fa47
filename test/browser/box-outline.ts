import type { BoundingBox } from "@sightline/client";
import type { CanvasShot, View } from "./canvas-shot.ts";

/** The colour of people's boxes. */
const personColor = [0x56, 0xb4, 0xe9] as const;
const samplesPerEdge = 24;
/** Colours may be off by what rounding does to them. */
const tolerance = 6;

/**
 * The share of points on the outlines of boxes that have the colour of people's boxes within a pixel; each box moved by
 * `shift` pixels to the right and down.
 */
export async function outlineShare(
  shot: CanvasShot,
  boxes: readonly BoundingBox[],
  shift = 0,
): Promise<number> {
  const samples = boxes.flatMap((box) => outline(box, shot.view, shift));
  const colors = await shot.colors(samples.flat());
  let hits = 0;
  for (let at = 0; at < colors.length; at += 2)
    if (isPerson(colors[at]!) || isPerson(colors[at + 1]!)) hits++;
  return hits / samples.length;
}

/** Points on the outline of a box, each as the two pixels that lie on either side of the line. */
function outline({ xMin, yMin, xMax, yMax }: BoundingBox, view: View, shift: number) {
  const inside = (value: number, from: number, length: number) =>
    Math.min(from + length - 1, Math.max(from, value));
  const pixel = (x: number, y: number) =>
    [Math.floor(inside(x, view.x, view.width)), Math.floor(inside(y, view.y, view.height))] as const;
  const left = view.x + xMin * view.width + shift;
  const right = view.x + xMax * view.width + shift;
  const top = view.y + yMin * view.height + shift;
  const bottom = view.y + yMax * view.height + shift;
  return Array.from({ length: samplesPerEdge }, (_, index) => {
    const part = (index + 0.5) / samplesPerEdge;
    const [x, y] = [left + part * (right - left), top + part * (bottom - top)];
    return [
      [pixel(left - 1, y), pixel(left, y)],
      [pixel(right - 1, y), pixel(right, y)],
      [pixel(x, top - 1), pixel(x, top)],
      [pixel(x, bottom - 1), pixel(x, bottom)],
    ];
  }).flat();
}

function isPerson(color: readonly number[]): boolean {
  return personColor.every((value, channel) => Math.abs(value - color[channel]!) <= tolerance);
}
