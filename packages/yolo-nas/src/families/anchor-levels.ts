/** The grids of cells that a convolutional detector predicts at. */
import type { Size } from "../detection/letterbox.ts";

export interface AnchorLevel extends Size {
  readonly stride: number;
}

const STRIDES = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
];

/** The grids, by rising stride, whose cells, `perCell` anchors in each, are `count` anchors; undefined where none fit. */
export function anchorLevels(size: Size, count: number, perCell: number): AnchorLevel[] | undefined {
  for (const strides of STRIDES) {
    const levels = strides.map((stride) => ({
      stride,
      width: Math.ceil(size.width / stride),
      height: Math.ceil(size.height / stride),
    }));
    const cells = levels.reduce((sum, { width, height }) => sum + width * height, 0);
    if (cells * perCell === count) return levels;
  }
  return undefined;
}
