import { describe, expect, it } from "vitest";
import { computeLetterbox } from "../detection/letterbox.ts";
import { parseCocoAnnotations } from "./coco-annotations.ts";
import { categoriesOf, imageIds, toScoredBoxes } from "./label-frames.ts";
import type { FileFrame } from "./picture-files.ts";

const annotations = (first: number) =>
  parseCocoAnnotations({
    images: [0, 1, 2].map((i) => ({ id: i + first, width: 8, height: 8, file_name: `dir/${i}.jpg` })),
    categories: [
      { id: 7, name: "Car" },
      { id: 3, name: "person" },
    ],
    annotations: [],
  });
const size = { width: 8, height: 8 };
const frame = (index: number, name = "clip.mp4"): FileFrame => ({
  index,
  name,
  pixels: new Uint8Array(3),
  width: 1,
  height: 1,
  stored: size,
  letterbox: computeLetterbox(size, size, size),
});

describe("labelling frames", () => {
  it.each([0, 1])("finds a video's frame in annotations counted from %i", (first) => {
    const idOf = imageIds(annotations(first));
    expect([0, 1, 2, 3].map((i) => idOf(frame(i), true))).toEqual([first, first + 1, first + 2, undefined]);
  });

  it("finds a picture by its file name", () => {
    const idOf = imageIds(annotations(0));
    expect(idOf(frame(0, "2.jpg"), false)).toBe(2);
    expect(idOf(frame(0, "9.jpg"), false)).toBeUndefined();
  });

  it("matches classes to categories by name and leaves out the rest", () => {
    const categories = categoriesOf(annotations(0), ["person", "bicycle", "car"]);
    expect(categories).toEqual([3, undefined, 7]);
    const found = [0, 1].map((classId) => ({ classId, score: 0.5, box: [1, 2, 4, 8] as const }));
    expect(toScoredBoxes(5, found, categories)).toEqual([
      { imageId: 5, categoryId: 3, score: 0.5, box: [1, 2, 3, 6] },
    ]);
  });

  it("refuses a model that knows none of the categories", () => {
    expect(() => categoriesOf(annotations(0), ["zebra"])).toThrowError(
      expect.objectContaining({ code: "category_mismatch" }),
    );
  });
});
