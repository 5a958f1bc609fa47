import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseCocoAnnotations, type ScoredBox } from "./coco-annotations.ts";
import { evaluateCoco, evaluateTallerThan } from "./coco-metrics.ts";

type Row = [number, number, number, number, number, number, number, number];
const fixture = JSON.parse(
  await readFile(new URL("./fixtures/coco-parity.json", import.meta.url), "utf8"),
) as {
  images: unknown;
  categories: unknown;
  annotations: Row[];
  detections: Row[];
  stats: number[];
  tallerThan: { minHeight: number; ap: number; ap50: number; ar100: number }[];
};
const annotations = parseCocoAnnotations({
  images: fixture.images,
  categories: fixture.categories,
  annotations: fixture.annotations.map(([image_id, category_id, x, y, w, h, area, iscrowd]) => ({
    image_id,
    category_id,
    bbox: [x, y, w, h],
    area,
    iscrowd,
  })),
});
const detections = fixture.detections.map(
  ([imageId, categoryId, x, y, w, h, score]): ScoredBox => ({
    imageId,
    categoryId,
    box: [x, y, w, h],
    score,
  }),
);

describe("COCO metrics", () => {
  it("equals the 12 numbers pycocotools recorded, in its order", () => {
    const ours = Object.values(evaluateCoco(annotations, detections));
    expect(ours).toHaveLength(12);
    for (const [index, expected] of fixture.stats.entries()) {
      expect(Math.abs(ours[index]! - expected), `stat ${index}`).toBeLessThan(1e-9);
    }
  });

  it.each(fixture.tallerThan)("equals pycocotools over boxes taller than $minHeight px", (expected) => {
    const ours = evaluateTallerThan(annotations, detections, expected.minHeight);
    for (const key of ["ap", "ap50", "ar100"] as const) {
      expect(Math.abs(ours[key] - expected[key]), key).toBeLessThan(1e-9);
    }
  });

  it("does not call an empty range zero", () => {
    const onlySmall = parseCocoAnnotations({
      images: [{ id: 0, width: 100, height: 100 }],
      categories: [{ id: 1, name: "person" }],
      annotations: [{ image_id: 0, category_id: 1, bbox: [10, 10, 10, 10] }],
    });
    const metrics = evaluateCoco(onlySmall, [
      { imageId: 0, categoryId: 1, box: [10, 10, 10, 10], score: 0.5 },
    ]);
    expect(metrics.apLarge).toBe(-1);
    expect(metrics.ap).toBeCloseTo(1, 12);
    expect(evaluateTallerThan(onlySmall, [], 5)).toMatchObject({ ap50: 0, objects: 1 });
  });

  it("refuses a file without images, saying what is wrong", () => {
    expect(() =>
      parseCocoAnnotations({ images: [], categories: [], annotations: [] }, "a.json"),
    ).toThrowError(
      expect.objectContaining({ code: "bad_annotations", message: expect.stringContaining("images") }),
    );
  });
});
