import type { ShadowBox } from "@sightline/contracts";
import sharp from "sharp";
import { annotateJpeg } from "../../snapshots/annotate-jpeg.ts";

/** Colours that are told apart, as numbers of classes; the labels say it too. */
const colors = { lost: 0, gained: 2, both: 5 };

/** Draws the boxes that one model alone found, with a label that says which, and those of both without one. */
export async function drawDifferences(jpeg: Uint8Array, boxes: readonly ShadowBox[]): Promise<Uint8Array> {
  const { width, height } = await sharp(jpeg).metadata();
  const percent = (score: number | undefined) => `${Math.round(100 * (score ?? 0))}%`;
  const drawn = boxes.map(({ kind, class: name, box, score, shadowScore }) => {
    const [xMin, yMin, xMax, yMax] = box;
    const label = kind === "both" ? "" : `${kind} ${name} ${percent(score ?? shadowScore)}`;
    return { classId: colors[kind], label, box: { xMin, yMin, xMax, yMax } };
  });
  return annotateJpeg({ jpeg, width, height }, drawn);
}
