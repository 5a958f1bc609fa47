import { type Color, classColor, glyphHeight, glyphWidth, hasDot } from "@sightline/annotate";
import type { Detection } from "@sightline/yolo-nas";
import type { Looked } from "./open-second-stages.ts";

/** A picture of interleaved R, G, B bytes. */
export interface RgbPicture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Paint a box and a label for each detection into a picture, lowest score first so that the best are on top. */
export function paintDetections(
  picture: RgbPicture,
  detections: readonly (Detection & Partial<Looked>)[],
  classes: readonly string[],
): void {
  const unit = Math.max(1, Math.round(Math.min(picture.width, picture.height) / 400));
  for (const { classId, score, box, attributes = [] } of detections.toReversed()) {
    const color = classColor(classId);
    const [x1, y1, x2, y2] = box.map(Math.round) as [number, number, number, number];
    const line = 2 * unit;
    fill(picture, x1, y1, x2, y1 + line, color);
    fill(picture, x1, y2 - line, x2, y2, color);
    fill(picture, x1, y1, x1 + line, y2, color);
    fill(picture, x2 - line, y1, x2, y2, color);
    const words = [classes[classId] ?? classId, ...attributes.map(({ value }) => value)];
    paintLabel(picture, `${words.join(" ")} ${Math.round(100 * score)}%`, x1, y1, unit, color);
  }
}

/** Text on a bar of the box's colour: above the box, or inside it at the picture's top. */
function paintLabel(
  picture: RgbPicture,
  text: string,
  x: number,
  y: number,
  unit: number,
  color: Color,
): void {
  const height = (glyphHeight + 2) * unit;
  const width = (text.length * (glyphWidth + 1) + 1) * unit;
  const left = Math.max(0, Math.min(x, picture.width - width));
  const top = y >= height ? y - height : y;
  fill(picture, left, top, left + width, top + height, color);
  for (const [index, character] of [...text].entries()) {
    const start = left + (1 + index * (glyphWidth + 1)) * unit;
    for (let row = 0; row < glyphHeight; row++) {
      for (let column = 0; column < glyphWidth; column++) {
        if (!hasDot(character, column, row)) continue;
        const [dotX, dotY] = [start + column * unit, top + (1 + row) * unit];
        fill(picture, dotX, dotY, dotX + unit, dotY + unit, [0, 0, 0]);
      }
    }
  }
}

/** Fill a rectangle, without its end, as far as it lies in the picture. */
function fill(picture: RgbPicture, x1: number, y1: number, x2: number, y2: number, color: Color): void {
  const { pixels, width, height } = picture;
  for (let y = Math.max(0, y1); y < Math.min(height, y2); y++) {
    for (let x = Math.max(0, x1); x < Math.min(width, x2); x++) pixels.set(color, 3 * (y * width + x));
  }
}
