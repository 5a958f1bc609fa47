import { readFile } from "node:fs/promises";
import { z } from "zod";
import { EvaluationError } from "../errors.ts";

/** `[x, y, width, height]` in pixels of the source picture, as COCO writes boxes. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** One labelled object. A crowd may be matched any number of times and counts neither for nor against. */
export type GroundTruth = {
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  /** Square pixels; the segment's area when COCO gives one, which is smaller than the box's. */
  readonly area: number;
  readonly crowd: boolean;
};

/** One scored box of a detector, in pixels of the source picture. */
export type ScoredBox = {
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  readonly score: number;
};

export type CocoImage = {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly fileName: string;
};

export type CocoCategory = { readonly id: number; readonly name: string };

export type CocoAnnotations = {
  readonly images: readonly CocoImage[];
  readonly categories: readonly CocoCategory[];
  readonly truths: readonly GroundTruth[];
};

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const schema = z.object({
  images: z
    .array(
      z.object({ id: z.int(), width: z.number(), height: z.number(), file_name: z.string().default("") }),
    )
    .min(1),
  categories: z.array(z.object({ id: z.int(), name: z.string() })).min(1),
  annotations: z.array(
    z.object({
      image_id: z.int(),
      category_id: z.int(),
      bbox: box,
      area: z.number().optional(),
      iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
    }),
  ),
});

/**
 * Reads a COCO "instances" annotation file (images, categories, boxes).
 * @throws EvaluationError `bad_annotations` when the file is missing, is not JSON or has a missing field.
 *
 * @example
 * ```ts
 * const { categories } = await readCocoAnnotations("models/yolo-nas-pedestrians/labels/eval.coco.json");
 * assert.deepEqual(categories.map(({ name }) => name), ["person"]);
 * ```
 */
export async function readCocoAnnotations(path: string): Promise<CocoAnnotations> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new EvaluationError("bad_annotations", `COCO annotations cannot be read from ${path}: ${why}`, {
      cause,
    });
  }
  return parseCocoAnnotations(parsed, path);
}

/**
 * The same for a value already read; `source` names it in errors.
 *
 * @example
 * ```ts
 * const { truths } = parseCocoAnnotations({
 *   images: [{ id: 1, width: 640, height: 480 }],
 *   categories: [{ id: 1, name: "person" }],
 *   annotations: [{ image_id: 1, category_id: 1, bbox: [10, 10, 20, 40] }],
 * });
 * assert.equal(truths[0]?.area, 800);
 * ```
 */
export function parseCocoAnnotations(value: unknown, source = "annotations"): CocoAnnotations {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new EvaluationError(
      "bad_annotations",
      `${source} is no COCO detection file: ${z.prettifyError(result.error)}`,
    );
  }
  const { images, categories, annotations } = result.data;
  return {
    images: images.map((i) => ({ id: i.id, width: i.width, height: i.height, fileName: i.file_name })),
    categories,
    truths: annotations.map((a) => ({
      imageId: a.image_id,
      categoryId: a.category_id,
      box: a.bbox,
      area: a.area ?? a.bbox[2] * a.bbox[3],
      crowd: Boolean(a.iscrowd),
    })),
  };
}
