import type { Orientation, Size } from "@sightline/media";
import { findBox, u32 } from "./boxes.ts";

/** What becomes of a picture's x and y (ISO/IEC 14496-12, 6.2.2): x' = a·x + c·y, y' = b·x + d·y, moved to begin at 0. */
const turns: Readonly<Record<Orientation, readonly [a: number, b: number, c: number, d: number]>> = {
  1: [1, 0, 0, 1],
  2: [-1, 0, 0, 1],
  3: [-1, 0, 0, -1],
  4: [1, 0, 0, -1],
  5: [0, 1, 1, 0],
  6: [0, 1, -1, 0],
  7: [0, -1, -1, 0],
  8: [0, -1, 1, 0],
};
const one = 0x10000;
/** Of the matrix in a `tkhd` box of version 1, behind the box's head. */
const matrixAt = 52;

/** The matrix of a movie's header by which players turn its pictures, which have this size before that. */
export function displayMatrix(orientation: Orientation, { width, height }: Size): Buffer {
  const [a, b, c, d] = turns[orientation];
  const right = -Math.min(0, a * width, c * height);
  const down = -Math.min(0, b * width, d * height);
  const fixed = [a * one, b * one, 0, c * one, d * one, 0, right * one, down * one];
  return u32(...fixed.map((value) => value >>> 0), 0x40000000);
}

/** The orientation that the track of a `moov` box of ours says. */
export function orientationOf(moov: Buffer): Orientation {
  const header = findBox(moov, ["moov", "trak", "tkhd"]);
  if (!header) return 1;
  const at = header.at + 8 + matrixAt;
  const matrix = [0, 4, 12, 16].map((offset) => moov.readInt32BE(at + offset) / one);
  const found = Object.entries(turns).find(([, turn]) => turn.every((value, i) => value === matrix[i]));
  return found ? (Number(found[0]) as Orientation) : 1;
}
