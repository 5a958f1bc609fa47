import type { Detection } from "../detection/decode-candidates.ts";
import type { Size } from "../detection/letterbox.ts";
import { EvaluationError } from "../errors.ts";
import type { CocoAnnotations, GroundTruth, ScoredBox } from "./coco-annotations.ts";
import type { FileFrame } from "./picture-files.ts";

/**
 * COCO category ids in the order of a model's classes, matched by name, ignoring case.
 * @throws EvaluationError `category_mismatch` when no category has a class's name
 *
 * @example
 * ```ts
 * const annotations = { images: [], truths: [], categories: [{ id: 7, name: "Person" }] };
 * assert.deepEqual(categoriesOf(annotations, ["person", "car"]), [7, undefined]);
 * ```
 */
export function categoriesOf(
  annotations: CocoAnnotations,
  classes: readonly string[],
): (number | undefined)[] {
  const byName = new Map(annotations.categories.map(({ id, name }) => [name.toLowerCase(), id]));
  const ids = classes.map((name) => byName.get(name.toLowerCase()));
  if (ids.every((id) => id === undefined)) {
    const known = annotations.categories.map(({ name }) => name).join(", ");
    throw new EvaluationError(
      "category_mismatch",
      `None of the model's classes (${classes.slice(0, 5).join(", ")} …) is a category of the annotations (${known}).`,
    );
  }
  return ids;
}

/**
 * The image id of each frame of a source. A picture is found by its file name; a video's frame n is the n-th image by
 * id, so image ids may count from 0 or 1.
 * @returns a function that gives undefined for a frame without labels
 *
 * @example
 * ```ts
 * const images = [{ id: 5, width: 640, height: 480, fileName: "val/street.jpg" }];
 * const idOf = imageIds({ images, categories: [], truths: [] });
 * const size = { width: 640, height: 480 };
 * const frame = { ...size, index: 0, name: "street.jpg", pixels: new Uint8Array(), stored: size, letterbox: computeLetterbox(size, size) };
 * assert.equal(idOf(frame, false), 5);
 * ```
 */
export function imageIds(
  annotations: CocoAnnotations,
): (frame: FileFrame, isVideo: boolean) => number | undefined {
  const byName = new Map(annotations.images.map(({ id, fileName }) => [fileName.split("/").at(-1)!, id]));
  const inOrder = annotations.images.map(({ id }) => id).sort((a, b) => a - b);
  const first = inOrder[0]!;
  const known = new Set(inOrder);
  return (frame, isVideo) => {
    if (!isVideo) return byName.get(frame.name);
    // Counting is from 0 unless the first labelled frame is 1.
    const id = frame.index + (first === 1 ? 1 : 0);
    return known.has(id) ? id : undefined;
  };
}

/**
 * A label in pixels of the frame as it is shown. Labels count as already in this form, unless their image has the size of the stored
 * picture: then they are stretched like its pixels.
 *
 * @example
 * ```ts
 * const truth = { imageId: 1, categoryId: 1, box: [10, 10, 20, 40], area: 800, crowd: false } as const;
 * const stored = { width: 720, height: 576 }; // Pixels that are not square: shown as 768 × 576.
 * const letterbox = computeLetterbox({ width: 768, height: 576 }, { width: 640, height: 640 });
 * assert.deepEqual(truthAsShown(truth, stored, { stored, letterbox }).box.map(Math.round), [11, 10, 21, 40]);
 * ```
 */
export function truthAsShown(
  truth: GroundTruth,
  labelled: Size | undefined,
  { stored, letterbox }: Pick<FileFrame, "stored" | "letterbox">,
): GroundTruth {
  const shown = letterbox.source;
  if (labelled?.width !== stored.width || labelled.height !== stored.height) return truth;
  const [across, down] = [shown.width / stored.width, shown.height / stored.height];
  const [x, y, width, height] = truth.box;
  return {
    ...truth,
    box: [x * across, y * down, width * across, height * down],
    area: truth.area * across * down,
  };
}

/**
 * A frame's detections as COCO writes them; classes without a category are left out.
 *
 * @example
 * ```ts
 * const detections = [{ classId: 0, score: 0.9, box: [10, 20, 30, 60] }] as const;
 * assert.deepEqual(toScoredBoxes(1, detections, [7]), [
 *   { imageId: 1, categoryId: 7, score: 0.9, box: [10, 20, 20, 40] },
 * ]);
 * ```
 */
export function toScoredBoxes(
  imageId: number,
  detections: readonly Detection[],
  categories: readonly (number | undefined)[],
): ScoredBox[] {
  return detections.flatMap(({ classId, score, box: [x1, y1, x2, y2] }) => {
    const categoryId = categories[classId];
    return categoryId === undefined ? [] : [{ imageId, categoryId, score, box: [x1, y1, x2 - x1, y2 - y1] }];
  });
}
