import { glyphHeight, glyphWidth, hasDot } from "./label-font.ts";
import { type LabelledBox, type PlacedLabel, placeLabels } from "./place-labels.ts";

/** A box to draw, in 0..1 of the picture's width and height. */
export interface AnnotatedBox {
  classId: number;
  label: string;
  box: { xMin: number; yMin: number; xMax: number; yMax: number };
}

/** Longest label, in characters; a longer one is cut. */
const mostCharacters = 48;

/**
 * An SVG with boxes and labels, to be placed over a picture of this size, the first box on top. A label never hides an outline. Labels are drawn as
 * dots, so no font is needed and none of a label's text gets into the markup; `placeLabels` decides where they are.
 */
export function annotationSvg(width: number, height: number, boxes: readonly AnnotatedBox[]): string {
  const unit = Math.max(1, Math.round(Math.min(width, height) / 240));
  const drawn = boxes.map((each) => drawnBox(each, width, height, unit));
  const places = placeLabels(drawn, { x: 0, y: 0, width, height });
  const outlines = drawn.map((each) => outlineShape(each, unit)).reverse();
  const labels = drawn.map((each, index) => labelShape(each, places[index], unit)).reverse();
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" shape-rendering="crispEdges">${labels.join("")}${outlines.join("")}</svg>`;
}

/** A box in pixels, with its label. */
interface DrawnBox extends LabelledBox {
  color: string;
  characters: readonly string[];
}

function drawnBox(
  { classId, label, box }: AnnotatedBox,
  pictureWidth: number,
  pictureHeight: number,
  unit: number,
): DrawnBox {
  const [left, right] = [pixel(box.xMin, pictureWidth), pixel(box.xMax, pictureWidth)];
  const [top, bottom] = [pixel(box.yMin, pictureHeight), pixel(box.yMax, pictureHeight)];
  const characters = [...label].slice(0, mostCharacters);
  return {
    x: left,
    y: top,
    width: right - left,
    height: bottom - top,
    color: `rgb(${classColor(classId).join(",")})`,
    characters,
    labelWidth: characters.length === 0 ? 0 : (characters.length * (glyphWidth + 1) + 1) * unit,
    labelHeight: characters.length === 0 ? 0 : (glyphHeight + 2) * unit,
  };
}

function outlineShape({ x, y, width, height, color }: DrawnBox, unit: number): string {
  const line = Math.max(1, Math.min(2 * unit, width, height));
  // The line is drawn inside the box.
  const frame = [x + line / 2, y + line / 2, width - line, height - line] as const;
  return `<rect x="${frame[0]}" y="${frame[1]}" width="${Math.max(0, frame[2])}" height="${Math.max(0, frame[3])}" fill="none" stroke="${color}" stroke-width="${line}"/>`;
}

/** Text on a bar of the box's colour. */
function labelShape(
  { characters, labelWidth, labelHeight, color }: DrawnBox,
  place: PlacedLabel | undefined,
  unit: number,
): string {
  if (characters.length === 0 || !place) return "";
  const { x, y } = place;
  const dots: string[] = [];
  for (const [index, character] of characters.entries()) {
    const start = x + (1 + index * (glyphWidth + 1)) * unit;
    for (let row = 0; row < glyphHeight; row++)
      for (let column = 0; column < glyphWidth; column++)
        if (hasDot(character, column, row))
          dots.push(`M${start + column * unit} ${y + (1 + row) * unit}h${unit}v${unit}h-${unit}z`);
  }
  return `<rect x="${x}" y="${y}" width="${labelWidth}" height="${labelHeight}" fill="${color}"/><path d="${dots.join("")}"/>`;
}

/** A fraction of a side as whole pixels within it; NaN becomes 0. */
function pixel(share: number, side: number): number {
  return Math.round(Math.min(1, Math.max(0, share || 0)) * side);
}

/** The fields of a detection or track that are drawn. */
export interface FoundObject {
  classId: number;
  className: string;
  /** 0 to 1. */
  score: number;
  /** In 0..1 of the picture's width and height. */
  normalizedBox?: AnnotatedBox["box"] | undefined;
  /** Attributes from second stages. */
  attributes: readonly { value: string }[];
}

/**
 * What is drawn for a detection or track: its class, its attributes from second stages, its score in percent, and its track if it has
 * one.
 */
export function annotatedBox(found: FoundObject, trackId: string): AnnotatedBox[] {
  const { classId, className, score, normalizedBox: box, attributes } = found;
  const words = [className, ...attributes.map(({ value }) => value)].join(" ");
  const name = trackId === "" ? words : `${words} #${shortId(trackId)}`;
  return box ? [{ classId, label: `${name} ${Math.round(100 * score)}%`, box }] : [];
}

/** A track's number without the incarnation in front of it. */
function shortId(trackId: string): string {
  return trackId.slice(trackId.lastIndexOf("-") + 1);
}

export type Color = readonly [red: number, green: number, blue: number];

/** A bright colour per class, 0..255; neighbours differ, because the golden angle spreads hues evenly. */
export function classColor(classId: number): Color {
  const hue = (60 + classId * 137.508) % 360;
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.6 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
