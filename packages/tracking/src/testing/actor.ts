import type { Box } from "../box.ts";

/** Where the middle of an actor's feet is at a time. */
export interface Waypoint {
  readonly timeMs: number;
  readonly x: number;
  readonly y: number;
}

/** An object that walks straight from waypoint to waypoint, and exists from its first to its last. */
export interface Actor {
  readonly id: number;
  readonly classId: number;
  readonly width: number;
  readonly height: number;
  readonly path: readonly Waypoint[];
  /** While the time is within, the detector is this sure of it (times its usual score): far, dark, blurred. */
  readonly dip?: { readonly fromMs: number; readonly toMs: number; readonly factor: number };
}

/** The actor's whole box, also where hidden; undefined while it does not exist. */
export function actorBox(actor: Actor, timeMs: number): Box | undefined {
  const next = actor.path.findIndex((point) => point.timeMs >= timeMs);
  const to = actor.path[next];
  if (to === undefined) return undefined;
  const from = actor.path[next - 1] ?? to;
  if (from === to && timeMs < to.timeMs) return undefined;
  const share = to.timeMs === from.timeMs ? 1 : (timeMs - from.timeMs) / (to.timeMs - from.timeMs);
  const x = from.x + share * (to.x - from.x);
  const y = from.y + share * (to.y - from.y);
  return { xMin: x - actor.width / 2, yMin: y - actor.height, xMax: x + actor.width / 2, yMax: y };
}

const gridSize = 10;

/** The share of a box, 0…1, that lies in the picture and behind none of the others; by a grid of points. */
export function visibleShare(box: Box, picture: Box, nearer: readonly Box[]): number {
  let visible = 0;
  for (let row = 0; row < gridSize; row++) {
    const y = box.yMin + ((row + 0.5) / gridSize) * (box.yMax - box.yMin);
    for (let column = 0; column < gridSize; column++) {
      const x = box.xMin + ((column + 0.5) / gridSize) * (box.xMax - box.xMin);
      if (contains(picture, x, y) && !nearer.some((other) => contains(other, x, y))) visible++;
    }
  }
  return visible / gridSize ** 2;
}

function contains(box: Box, x: number, y: number): boolean {
  return x >= box.xMin && x < box.xMax && y >= box.yMin && y < box.yMax;
}
