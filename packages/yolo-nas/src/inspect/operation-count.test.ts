import { expect, test } from "vitest";
import { ARCHITECTURES, architecture, COCO_CLASSES } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { countParameters } from "../architecture/state-dict-layout.ts";
import { SeededWeights } from "../weights/seeded-weights.ts";
import { countConvolutions } from "./operation-count.ts";

test.each(Object.keys(ARCHITECTURES))("%s's graph holds as many weights as its table says", (name) => {
  const spec = architecture(name);
  const graph = buildModel(spec, new SeededWeights(1), { width: 64, height: 64, classes: COCO_CLASSES });
  expect(countConvolutions(graph).parameters).toBe(countParameters(spec, 80).fused);
});

test("S at 640×640 takes 15.9 GMAC, and half the pixels take half of it", () => {
  const operations = (width: number) =>
    countConvolutions(
      buildModel(architecture("yolo_nas_s"), new SeededWeights(1), {
        width,
        height: 640,
        classes: COCO_CLASSES,
      }),
    ).operations!;
  expect(operations(640) / 2e9).toBeCloseTo(15.9, 1);
  expect(operations(320)).toBe(operations(640) / 2);
});
