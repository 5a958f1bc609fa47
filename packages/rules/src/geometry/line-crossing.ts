import type { Point } from "@sightline/contracts";
import { z } from "zod";
import { on, type Side, segmentsMeet, sideOf } from "./orientation.ts";

const sideSchema = z.union([z.literal(-1), z.literal(0), z.literal(1)]);

/** What is remembered for one object and one line, as plain JSON. */
export const lineMemorySchema = z.strictObject({
  /** Where the object was in the last frame. */
  x: z.number(),
  y: z.number(),
  /** The side on which it was last clear of the line; 0 while it has only been on the line. */
  settled: sideSchema,
  /** The side on which it last was, however close to the line; 0 while it has only been on the line. */
  last: sideSchema,
  /** Whether it has touched the line between its ends since it was last beside the line. */
  touched: z.boolean(),
  /** Passages between the line's ends since the object was last clear of the line: left to right minus right to left. */
  passages: z.int(),
});
export type LineMemory = z.infer<typeof lineMemorySchema>;

/**
 * An object is not clear of a line while its distance is below this part of its own width and height: boxes tremble by about this much from
 * frame to frame.
 */
const clearance = 0.1;

/** A line to cross, from `start` to `end`; both ends belong to it. */
export class CrossingLine {
  readonly #start: Point;
  readonly #end: Point;

  constructor(start: Point, end: Point) {
    this.#start = start;
    this.#end = end;
  }

  /** Starts the memory of an object that is seen for the first time. */
  begin(point: Point): LineMemory {
    const side = sideOf(this.#start, this.#end, point);
    return {
      x: point.x,
      y: point.y,
      settled: side,
      last: side,
      touched: side === on && this.#meets(point, point),
      passages: 0,
    };
  }

  /**
   * The object is at `point` now. Changes `memory`.
   *
   * A crossing counts when the object is clear of the line on the other side and has passed between the line's ends. So trembling on the
   * line does not count, touching the line and going on counts once, and going back counts in the other direction.
   * @param size of the object's box, in the unit of the points
   * @returns -1 or 1: it crossed to that side; 0: it did not
   */
  step(memory: LineMemory, point: Point, size: { readonly width: number; readonly height: number }): Side {
    const side = sideOf(this.#start, this.#end, point);
    // Only a change of side can mean that this step touched the line.
    if (side !== memory.last) {
      memory.touched = this.#meets({ x: memory.x, y: memory.y }, point) || memory.touched;
    }
    memory.x = point.x;
    memory.y = point.y;
    if (side === on) return on;
    if (memory.touched && memory.last !== on && side !== memory.last) memory.passages += side;
    memory.touched = false;
    memory.last = side;
    if (memory.settled === on) memory.settled = side;
    if (!this.#isClear(point, size)) return on;
    const crossed = side !== memory.settled && Math.sign(memory.passages) === side ? side : on;
    memory.settled = side;
    memory.passages = 0;
    return crossed;
  }

  #meets(from: Point, to: Point): boolean {
    return segmentsMeet(from, to, this.#start, this.#end);
  }

  /** The distance to the (endless) line is measured with the object's width and height as the units of x and y. */
  #isClear(point: Point, { width, height }: { readonly width: number; readonly height: number }): boolean {
    // In these units the line's direction is (dx/w, dy/h); both sides of the comparison are multiplied by w·h.
    const dx = this.#end.x - this.#start.x;
    const dy = this.#end.y - this.#start.y;
    const product = Math.abs(dx * (point.y - this.#start.y) - dy * (point.x - this.#start.x));
    return product >= clearance * Math.sqrt((dx * height) ** 2 + (dy * width) ** 2);
  }
}
