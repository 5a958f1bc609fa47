import { classColor } from "./class-color.ts";
import { glyphHeight, glyphWidth, hasDot } from "./label-font.ts";

/** A box to draw, in 0..1 of the picture's width and height. */
export interface AnnotatedBox {
  classId: number;
  label: string;
  box: { xMin: number; yMin: number; xMax: number; yMax: number };
}

/** Longest label, in characters; what is longer is cut. */
const mostCharacters = 48;

/**
 * An SVG of boxes and labels to be laid over a picture of this size, the first box on top. Labels are drawn as dots, so
 * no font is needed and none of a label's text gets into the markup.
 */
export function annotationSvg(width: number, height: number, boxes: readonly AnnotatedBox[]): string {
  const unit = Math.max(1, Math.round(Math.min(width, height) / 240));
  const shapes = boxes.toReversed().map((each) => boxShape(each, width, height, unit));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" shape-rendering="crispEdges">${shapes.join("")}</svg>`;
}

function boxShape(
  { classId, label, box }: AnnotatedBox,
  width: number,
  height: number,
  unit: number,
): string {
  const [left, right] = [pixel(box.xMin, width), pixel(box.xMax, width)];
  const [top, bottom] = [pixel(box.yMin, height), pixel(box.yMax, height)];
  const color = `rgb(${classColor(classId).join(",")})`;
  const line = Math.max(1, Math.min(2 * unit, right - left, bottom - top));
  // The line lies inside the box.
  const frame = [left + line / 2, top + line / 2, right - left - line, bottom - top - line] as const;
  const outline = `<rect x="${frame[0]}" y="${frame[1]}" width="${Math.max(0, frame[2])}" height="${Math.max(0, frame[3])}" fill="none" stroke="${color}" stroke-width="${line}"/>`;
  return `${outline}${labelShape([...label].slice(0, mostCharacters), left, top, width, unit, color)}`;
}

/** Text on a bar of the box's colour: above the box, or inside it at the picture's top. */
function labelShape(
  characters: readonly string[],
  x: number,
  y: number,
  pictureWidth: number,
  unit: number,
  color: string,
): string {
  if (characters.length === 0) return "";
  const height = (glyphHeight + 2) * unit;
  const width = (characters.length * (glyphWidth + 1) + 1) * unit;
  const left = Math.max(0, Math.min(x, pictureWidth - width));
  const top = y >= height ? y - height : y;
  const dots: string[] = [];
  for (const [index, character] of characters.entries()) {
    const start = left + (1 + index * (glyphWidth + 1)) * unit;
    for (let row = 0; row < glyphHeight; row++)
      for (let column = 0; column < glyphWidth; column++)
        if (hasDot(character, column, row))
          dots.push(`M${start + column * unit} ${top + (1 + row) * unit}h${unit}v${unit}h-${unit}z`);
  }
  return `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${color}"/><path d="${dots.join("")}"/>`;
}

/** A share of a side as whole pixels within it; what is no number is 0. */
function pixel(share: number, side: number): number {
  return Math.round(Math.min(1, Math.max(0, share || 0)) * side);
}
