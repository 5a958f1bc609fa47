/** Every family's exports against what its own code finds in the same pictures; see fixtures/families/make.py. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { toGbr } from "../../fixtures/reference.ts";
import { COCO_CLASSES } from "../architecture/architectures.ts";
import { type Detection, decodeCandidates } from "../detection/decode-candidates.ts";
import { computeLetterbox } from "../detection/letterbox.ts";
import { attr, decodeModel, encodeModel, OnnxGraph, toNumbers } from "../onnx/index.ts";
import { preparedMetadata } from "../prepare/prepared-form.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { classColumns } from "./class-columns.ts";
import { importDetector } from "./import-detector.ts";
import { raiseOpset } from "./raise-opset.ts";

/** Class, score, and x1, y1, x2, y2 in pixels of the input. */
type Row = [classId: number, score: number, x1: number, y1: number, x2: number, y2: number];

interface Expected {
  threshold: number;
  /** Rows of each picture, or whose rows are the same. */
  pictures: Row[][] | string;
  width?: number;
  height?: number;
}

const folder = new URL("../../fixtures/families/", import.meta.url);
const recorded = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as {
  width: number;
  height: number;
  classes: number;
  families: Record<string, Expected>;
};
const classes = ["a", "b", "c"];

function fixture(name: string): OnnxGraph {
  return decodeModel(gunzipSync(readFileSync(new URL(`${name}.onnx.gz`, folder))));
}

/** The upper left part, of this size, of each of the 20 pictures, as planes G, B, R. */
function pictures(width: number, height: number): Uint8Array[] {
  const rows = gunzipSync(readFileSync(new URL("pictures.rgb.gz", folder)));
  const bytes = 3 * recorded.width * recorded.height;
  return Array.from({ length: rows.length / bytes }, (_, picture) =>
    toGbr(
      Uint8Array.from({ length: 3 * width * height }, (_, i) => {
        const [plane, at] = [Math.floor(i / (width * height)), i % (width * height)];
        const pixel = Math.floor(at / width) * recorded.width + (at % width);
        return rows[picture * bytes + 3 * pixel + plane]!;
      }),
    ),
  );
}

/** The largest differences of scores and of boxes' sides between detections that were paired, and those without a partner. */
function compare(found: readonly Detection[], rows: readonly Row[], threshold: number) {
  const left = [...found];
  let [score, box, missed] = [0, 0, 0];
  for (const [classId, wanted, ...sides] of rows) {
    const distance = (other: Detection) =>
      other.classId === classId
        ? Math.max(
            100 * Math.abs(other.score - wanted),
            ...sides.map((side, i) => Math.abs(side - other.box[i]!)),
          )
        : Number.POSITIVE_INFINITY;
    const best = left.reduce((a, b, i) => (distance(b) < distance(left[a]!) ? i : a), 0);
    const partner = left[best];
    if (!partner || distance(partner) > 5) {
      missed += Number(wanted > threshold + 1e-3);
      continue;
    }
    left.splice(best, 1);
    score = Math.max(score, Math.abs(partner.score - wanted));
    box = Math.max(box, ...sides.map((side, i) => Math.abs(side - partner.box[i]!)));
  }
  return { score, box, missed, more: left.filter((other) => other.score > threshold + 1e-3).length };
}

describe.each([
  ["yolox", "yolox"],
  ["yolox-undecoded", "yolox"],
  ["yolov5", "yolov5"],
  ["yolov8", "yolov8"],
  ["yolov9", "yolov8"],
  ["yolo26-raw", "yolov8"],
  ["yolo26", "yolo-nms-inside"],
  ["yolov8-nms", "yolo-nms-inside"],
  ["rt-detr", "rt-detr"],
  ["rt-detr-probabilities", "rt-detr"],
  ["d-fine", "d-fine"],
  ["d-fine-deployed", "d-fine"],
  ["rf-detr", "rf-detr"],
])("%s", (name, family) => {
  const { threshold, pictures: rows, ...size } = recorded.families[name]!;
  const { width, height } = { ...recorded, ...size };
  const expected = typeof rows === "string" ? (recorded.families[rows]!.pictures as Row[][]) : rows;

  test(`is known as ${family}, and gives what its own code finds in 20 pictures`, async () => {
    const imported = await importDetector(fixture(name), { classes });
    expect(imported.family.name).toBe(family);
    const metadata = preparedMetadata(imported.graph.metadata);
    expect(metadata).toMatchObject({ classes, input: { width, height } });
    const session = await DetectorSession.load(encodeModel(imported.graph), { threads: 1, spin: false });
    const worst = { score: 0, box: 0, missed: 0, more: 0 };
    const whole = computeLetterbox({ width, height }, metadata.input, metadata.fit, metadata.placement);
    // In batches of 4, also where the network takes one picture at a time.
    const all = pictures(width, height);
    const batches = [0, 4, 8, 12, 16].map((from) => Buffer.concat(all.slice(from, from + 4)));
    const outputs = await Array.fromAsync(batches, (pixels) => session.run(pixels, 4));
    for (const index of all.keys()) {
      const found = decodeCandidates(
        outputs[index >> 2]!,
        index % 4,
        { ...imported.thresholds, score: threshold },
        whole,
      );
      const clipped = expected[index]!.map(([c, s, x1, y1, x2, y2]): Row => {
        const x = (value: number) => Math.min(Math.max(value, 0), width);
        const y = (value: number) => Math.min(Math.max(value, 0), height);
        return [c, s, x(x1), y(y1), x(x2), y(y2)];
      });
      const seen = compare(found, clipped, threshold);
      for (const key of ["score", "box"] as const) worst[key] = Math.max(worst[key], seen[key]);
      for (const key of ["missed", "more"] as const) worst[key] += seen[key];
    }
    await session.stop();
    expect(worst).toMatchObject({ missed: 0, more: 0 });
    expect(worst.box).toBeLessThanOrEqual(0.5);
    expect(worst.score).toBeLessThanOrEqual(1e-3);
  });
});

test("what it is said to be, it must be; and what is seen and expected is told", async () => {
  await expect(importDetector(fixture("yolov8"), { family: "yolox", classes })).rejects.toThrow(
    /not YOLOX\.\n.*images float32 \[1, 3, 64, 96\].*output0 \[1, 7, 126\]\.\n.*\n.*5 \+ classes/,
  );
  await expect(importDetector(fixture("yolov8"), { family: "yolo" })).rejects.toThrow(
    /yolox, yolov5, .*rf-detr/,
  );
  const graph = fixture("yolov8");
  graph.outputs = graph.nodes
    .filter(({ op }) => op === "Sigmoid")
    .slice(0, 1)
    .map(({ outputs: [name] }) => ({ name: name!, type: "float32", shape: undefined }));
  await expect(importDetector(graph)).rejects.toThrow(/no detector that Sightline recognises[\s\S]*RT-DETR/);
});

test("classes: from the file, from the user, by COCO's numbers, and none where the tensors do not tell", async () => {
  const graph = fixture("yolo26");
  await expect(importDetector(graph)).rejects.toThrow(/--classes/);
  graph.metadata.set("names", `{0: 'person', 1: "driver's cab", 2: 'dog'}`);
  const { graph: named } = await importDetector(graph);
  expect(preparedMetadata(named.metadata).classes).toEqual(["person", "driver's cab", "dog"]);
  await expect(importDetector(fixture("yolov5"), { classes: ["a", "b", "c", "d"] })).rejects.toThrow(
    /predicts 3 classes but 4/,
  );
  expect(classColumns(91, undefined)).toMatchObject({ width: 91, names: COCO_CLASSES });
  const { chosen } = classColumns(91, COCO_CLASSES);
  expect([chosen!.length, chosen![0], chosen![79]]).toEqual([80, 1, 90]);
});

test("a picture's size that the file leaves open must be given", async () => {
  const graph = fixture("yolo26-raw");
  graph.inputs = graph.inputs.map((input) => ({ ...input, shape: ["N", 3, "h", "w"] }));
  await expect(importDetector(graph, { classes })).rejects.toThrow(/--input WxH/);
  const { graph: sized } = await importDetector(graph, { classes, input: { width: 96, height: 64 } });
  expect(preparedMetadata(sized.metadata).input).toEqual({ width: 96, height: 64 });
});

test("a file of an old operator set is brought to the one that is needed", () => {
  const graph = new OnnxGraph();
  graph.opsets.set("", 11);
  graph.add("Unsqueeze", ["x"], { axes: attr.ints([0]) }, "y");
  raiseOpset(graph);
  const [node] = graph.nodes;
  expect([
    graph.opsets.get(""),
    node!.attributes.size,
    toNumbers(graph.constantOf(node!.inputs[1]!)!),
  ]).toEqual([17, 0, [0]]);
  graph.opsets.set("", 10);
  expect(() => raiseOpset(graph)).toThrow(/operator set 10/);
});
