import { beforeAll, describe, expect, it } from "vitest";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { decodeCandidates } from "../detection/decode-candidates.ts";
import { computeLetterbox } from "../detection/letterbox.ts";
import { encodeModel } from "../onnx/index.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { SeededWeights } from "../weights/seeded-weights.ts";
import { type CocoAnnotations, parseCocoAnnotations } from "./coco-annotations.ts";
import { evaluateModels, type LabelledFrame, VALIDATION_THRESHOLDS } from "./evaluate-models.ts";

const input = { width: 96, height: 64 };
const source = { width: 192, height: 128 };
const classes = ["person", "dog"];

function encoded(seed: number): Uint8Array {
  const raw = buildModel(architecture("yolo_nas_xs"), new SeededWeights(seed), { ...input, classes });
  return encodeModel(prepareModel(raw, { classes }));
}

function labelledFrame(imageId: number): LabelledFrame {
  const pixels = Uint8Array.from({ length: 3 * 96 * 64 }, (_, i) => (i * (imageId + 3) * 31) >> 3);
  const frame = {
    ...input,
    pixels,
    index: imageId,
    name: "clip",
    letterbox: computeLetterbox(source, input),
    stored: source,
  };
  return { imageId, frame };
}

describe("evaluateModels", () => {
  const model = encoded(1);
  const frames = [0, 1, 2].map(labelledFrame);
  let annotations: CocoAnnotations;

  beforeAll(async () => {
    // The best three detections of each frame by the first model are the truth.
    const session = await DetectorSession.load(model);
    const labels: object[] = [];
    for (const { imageId, frame } of frames) {
      const found = decodeCandidates(
        await session.run(frame.pixels, 1),
        0,
        VALIDATION_THRESHOLDS,
        frame.letterbox,
      );
      for (const { classId, box } of found.slice(0, 3)) {
        const [x1, y1, x2, y2] = box;
        labels.push({ image_id: imageId, category_id: 10 + classId, bbox: [x1, y1, x2 - x1, y2 - y1] });
      }
    }
    await session.stop();
    expect(labels).toHaveLength(9);
    annotations = parseCocoAnnotations({
      images: [0, 1, 2, 3].map((id) => ({ id, ...source })),
      categories: classes.map((name, i) => ({ id: 10 + i, name })),
      annotations: [...labels, { image_id: 3, category_id: 10, bbox: [0, 0, 50, 50] }],
    });
  });

  it("finds all of a model's own detections, and fewer of another model's, on the same frames", async () => {
    const sources = [{ model }, { model: encoded(2) }];
    const [own, other] = await evaluateModels(sources, annotations, frames, { minHeight: 1 });
    expect(own!.metrics.ap).toBeGreaterThan(0.8);
    expect(own!.metrics.ar100).toBeCloseTo(1, 9);
    expect(other!.metrics.ap).toBeLessThan(own!.metrics.ap);
    expect(own!.frames).toBe(3);
  });

  it("does not count labels of frames it was not given as missed", async () => {
    const [result] = await evaluateModels([{ model }], annotations, frames.slice(0, 1), { minHeight: 1 });
    expect(result!.tallerThan.objects).toBe(3);
    expect(result!.metrics.ar100).toBeCloseTo(1, 9);
  });

  it("takes labels in stored pixels where pixels are not square, and in pixels as shown", async () => {
    const stored = { width: source.width / 2, height: source.height };
    const squeezed = {
      ...annotations,
      images: annotations.images.map((image) => ({ ...image, ...stored })),
      truths: annotations.truths.map((truth) => {
        const [x, y, width, height] = truth.box;
        return { ...truth, area: truth.area / 2, box: [x / 2, y, width / 2, height] as const };
      }),
    };
    const shown = frames.map(({ imageId, frame }) => ({ imageId, frame: { ...frame, stored } }));
    for (const labels of [annotations, squeezed]) {
      const [result] = await evaluateModels([{ model }], labels, shown, { minHeight: 1 });
      expect(result!.metrics.ar100).toBeCloseTo(1, 9);
    }
  });

  it("refuses to give numbers without any labelled frame", async () => {
    await expect(evaluateModels([{ model }], annotations, [], { minHeight: 1 })).rejects.toMatchObject({
      code: "no_images",
    });
  });
});
