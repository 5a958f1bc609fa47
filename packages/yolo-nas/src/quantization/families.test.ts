/** INT8 of detectors that are no YOLO-NAS: other activations, attention, several prediction layers. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { toGbr } from "../../fixtures/reference.ts";
import { importDetector } from "../families/import-detector.ts";
import { decodeModel, encodeModel, type OnnxGraph } from "../onnx/index.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { quantizeModel } from "./quantize-model.ts";

const folder = new URL("../../fixtures/families/", import.meta.url);
const [width, height] = [96, 64];
const bytes = 3 * width * height;
const rows = gunzipSync(readFileSync(new URL("pictures.rgb.gz", folder)));
const pictures = Array.from({ length: rows.length / bytes }, (_, i) => {
  const picture = rows.subarray(i * bytes, (i + 1) * bytes);
  // Planes of a picture whose pixels lie one after the other.
  return toGbr(
    Uint8Array.from({ length: bytes }, (_value, at) => {
      const pixel = at % (width * height);
      return picture[3 * pixel + Math.floor(at / (width * height))]!;
    }),
  );
});

/** The best 20 scores of each picture, best first. */
async function bestScores(graph: OnnxGraph): Promise<number[][]> {
  const session = await DetectorSession.load(encodeModel(graph), { threads: 1 });
  try {
    const found: number[][] = [];
    for (const picture of pictures.slice(10)) {
      const { scores } = await session.run(picture, 1);
      found.push([...scores].sort((a, b) => b - a).slice(0, 20));
    }
    return found;
  } finally {
    await session.stop();
  }
}

test.each(["yolox", "yolov8", "yolov5", "yolov9", "yolo26", "rt-detr", "d-fine"])(
  "%s: its convolutions are in INT8, and scores of other pictures stay as they were",
  async (name) => {
    const export_ = decodeModel(gunzipSync(readFileSync(new URL(`${name}.onnx.gz`, folder))));
    const { graph } = await importDetector(export_, { classes: ["a", "b", "c"] });
    const frames = pictures.slice(0, 10).map((pixels) => ({ pixels, width, height }));
    const { cpu, report } = await quantizeModel(graph, {
      frames,
      method: { kind: "mse" },
      sensitivity: false,
    });
    expect(report.layers.filter(({ skipped }) => skipped === undefined).length).toBeGreaterThan(3);
    const [wanted, got] = [await bestScores(graph), await bestScores(cpu)];
    const differences = wanted.flatMap((scores, i) =>
      scores.map((score, n) => Math.abs(score - got[i]![n]!)),
    );
    expect(differences.reduce((sum, each) => sum + each, 0) / differences.length).toBeLessThan(0.03);
  },
);
