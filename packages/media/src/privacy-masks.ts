/** A polygon's corners in order, in 0..1 of the picture as shown; its edges do not cross. */
export type MaskPolygon = readonly (readonly [x: number, y: number])[];

interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A slanted edge is approximated in steps of this fraction of the picture's height. */
const bandHeight = 1 / 64;
/** The black area extends this many pixels beyond the polygon: scaling spreads a pixel into its neighbours. */
const marginPixels = 2;

/**
 * The ffmpeg filters that make these parts black in upright pictures of any size. They cover at least the polygons. A polygon becomes
 * boxes, since the box filter works for any size and needs no second input that could be missing.
 */
export function privacyFilters(masks: readonly MaskPolygon[]): string[] {
  const boxes = masks.flatMap(maskRectangles);
  if (boxes.length === 0) return [];
  // For other formats the filter supports only some, or paints only where a pixel is opaque.
  return ["format=yuv420p|yuv422p|yuv444p|yuvj420p|yuvj422p|yuvj444p", ...boxes.map(boxFilter)];
}

function boxFilter({ left, top, right, bottom }: Rectangle): string {
  const [x, xEnd] = [begin("iw", left), end("iw", right)];
  const [y, yEnd] = [begin("ih", top), end("ih", bottom)];
  return `drawbox=x='${x}':y='${y}':w='${xEnd}-${x}':h='${yEnd}-${y}':c=black:t=fill:replace=1`;
}

function begin(size: string, part: number): string {
  return `max(0,floor(${size}*${number(part)})-${marginPixels})`;
}

function end(size: string, part: number): string {
  return `min(${size},ceil(${size}*${number(part)})+${marginPixels})`;
}

/** Without an exponent, which ffmpeg would read as a unit prefix. */
function number(value: number): string {
  return value.toFixed(6);
}

/** Boxes that cover a polygon: within each band of the picture, none extends further than the polygon does. */
export function maskRectangles(polygon: MaskPolygon): Rectangle[] {
  const ys = polygon.map(([, y]) => y);
  const [first, last] = [Math.min(...ys), Math.max(...ys)];
  const lines = new Set(ys);
  for (let band = Math.ceil(first / bandHeight); band * bandHeight < last; band++)
    lines.add(band * bandHeight);
  const heights = [...lines].sort((a, b) => a - b);
  const boxes: Rectangle[] = [];
  for (const [index, top] of heights.slice(0, -1).entries()) {
    const bottom = heights[index + 1]!;
    for (const [left, right] of spansBetween(polygon, top, bottom)) {
      const above = boxes.find(
        (box) => box.bottom === top && nearly(box.left, left) && nearly(box.right, right),
      );
      if (above) above.bottom = bottom;
      else boxes.push({ left, top, right, bottom });
    }
  }
  return boxes;
}

/** The polygon's horizontal extents between two heights without a corner in between: there the edges form trapezoids. */
function spansBetween(polygon: MaskPolygon, top: number, bottom: number): [left: number, right: number][] {
  const middle = (top + bottom) / 2;
  const sides = polygon
    .map((from, index) => [from, polygon[(index + 1) % polygon.length]!] as const)
    .filter(([[, y1], [, y2]]) => y1 > middle !== y2 > middle)
    .map(([[x1, y1], [x2, y2]]) => {
      const at = (y: number) => x1 + ((x2 - x1) * (y - y1)) / (y2 - y1);
      return {
        middle: at(middle),
        least: Math.min(at(top), at(bottom)),
        most: Math.max(at(top), at(bottom)),
      };
    })
    .sort((a, b) => a.middle - b.middle);
  const spans: [number, number][] = [];
  for (let i = 0; i + 1 < sides.length; i += 2) spans.push([sides[i]!.least, sides[i + 1]!.most]);
  return spans;
}

function nearly(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-9;
}
