import type { AnnotatedBox } from "@sightline/annotate";
import { loadSharp, whenFree } from "./annotate-jpeg.ts";

/** The kept area around the object, as a multiple of the box's longer side. */
const surroundings = 1.5;
/** Longest side of the cut-out, in pixels: enough for a list on a screen with double pixel density. */
const longest = 256;
const quality = 80;

/** The area to cut out around a box, in pixels of the picture: a square within the picture, and longer only if the box is. */
export function cutOutOf(width: number, height: number, { box }: Pick<AnnotatedBox, "box">) {
  const [boxWidth, boxHeight] = [(box.xMax - box.xMin) * width, (box.yMax - box.yMin) * height];
  const side = Math.min(surroundings * Math.max(boxWidth, boxHeight), width, height);
  const span = (size: number, length: number, middle: number) => {
    const kept = Math.max(1, Math.min(size, Math.round(Math.max(side, length))));
    return { kept, start: Math.max(0, Math.min(size - kept, Math.round(middle * size - kept / 2))) };
  };
  const across = span(width, boxWidth, (box.xMin + box.xMax) / 2);
  const down = span(height, boxHeight, (box.yMin + box.yMax) / 2);
  return { left: across.start, top: down.start, width: across.kept, height: down.kept };
}

/**
 * The object of a picture with its surroundings, small; without a box, the whole picture, small. It is cut here and not in the browser: a
 * list of 50 events would fetch and decode 50 whole pictures in the camera's resolution, and only the data stored with the picture has the
 * box of its frame (an event's box moves on).
 * @throws ApiError picture_unavailable when too many are being created
 */
export async function cutOutJpeg(
  { jpeg, width, height }: { jpeg: Uint8Array; width: number; height: number },
  boxes: readonly Pick<AnnotatedBox, "box">[],
): Promise<Uint8Array> {
  const [first] = boxes;
  const sharp = await loadSharp();
  return whenFree(() => {
    const picture = first ? sharp(jpeg).extract(cutOutOf(width, height, first)) : sharp(jpeg);
    return picture
      .resize({ width: longest, height: longest, fit: "inside", withoutEnlargement: true })
      .jpeg({ quality })
      .toBuffer();
  });
}
