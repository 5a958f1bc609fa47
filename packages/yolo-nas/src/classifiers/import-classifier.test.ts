/** Classifiers made by hand, whose answers can be told from the pixels: the mean of each channel of a crop is a score. */
import { describe, expect, test } from "vitest";
import { attr, encodeModel, float32, int64, OnnxGraph } from "../onnx/index.ts";
import { ClassifierSession } from "./classifier-session.ts";
import { type ClassifierImportOptions, importClassifier } from "./import-classifier.ts";

const frame = { width: 40, height: 20 };
const plain = { mean: undefined, std: undefined } as const;
const colours = { name: "colour", values: ["red", "green", "blue"] };

/** The mean of R, G and B over a picture of 8×16, times `gain`; as it is, softened, or in two outputs. */
function meansOf(options: { gain?: number; softmax?: boolean; outputs?: 1 | 2; batch?: number | string }) {
  const { gain = 10, softmax = false, outputs = 1, batch = "B" } = options;
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "picture", type: "float32", shape: [batch, 3, 16, 8] }];
  const mean = graph.add("GlobalAveragePool", ["picture"]);
  const first = typeof batch === "number" ? batch : 0;
  const rows = graph.add("Reshape", [mean, graph.addInitializer("rows", int64([2], [first, 3]))]);
  const scores = graph.add("Mul", [rows, graph.addInitializer("gain", float32([], [gain]))]);
  const ends = Array.from({ length: outputs }, () =>
    softmax ? graph.add("Softmax", [scores], { axis: attr.int(1) }) : graph.add("Identity", [scores]),
  );
  graph.outputs = ends.map((name) => ({ name, type: "float32", shape: [batch, 3] }));
  return graph;
}

/** Planes G, B, R: the left half is red, the right half blue but for a green stripe of its upper quarter. */
function picture(): Uint8Array {
  const area = frame.width * frame.height;
  const planes = new Uint8Array(3 * area);
  for (let y = 0; y < frame.height; y++)
    for (let x = 0; x < frame.width; x++) {
      const plane = x < 20 ? 2 : y < 5 ? 0 : 1;
      planes[plane * area + y * frame.width + x] = 255;
    }
  return planes;
}

const left = [0, 0, 20, 20];
const right = [20, 0, 40, 20];
const stripe = [22, 1, 38, 4];

async function look(graph: OnnxGraph, options: ClassifierImportOptions, boxes: readonly number[][]) {
  const imported = await importClassifier(graph, options);
  const session = await ClassifierSession.load(encodeModel(imported.graph), imported.attributes);
  const found = await session.run(picture(), frame, Float32Array.from(boxes.flat()));
  await session.stop();
  return { imported, found };
}

describe("a classifier", () => {
  test("looks at each box of a frame, in whatever number they come, and gives probabilities", async () => {
    const { imported, found } = await look(meansOf({}), { attributes: [colours], preprocessing: plain }, [
      left,
      right,
      stripe,
    ]);
    expect(imported.crop).toEqual({ width: 8, height: 16 });
    expect(imported.words.join("\n")).toMatch(
      /colour \(red, green, blue\)[\s\S]*softmax is added[\s\S]*any number/,
    );
    const rows = [0, 1, 2].map((row) => found[0]!.subarray(3 * row, 3 * row + 3));
    for (const row of rows) expect(row.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 5);
    expect(rows[0]![0]).toBeGreaterThan(0.999);
    expect(rows[2]![1]).toBeGreaterThan(0.999);
    // Of the right half a quarter is green: the crop is made of means, so the scores are 10·¼ and 10·¾.
    expect(rows[1]![1]! / rows[1]![2]!).toBeCloseTo(Math.exp(-5), 2);
  });

  test("reads pixels as it was trained: BGR, bytes, mean and deviation", async () => {
    const bgr = { ...plain, channelOrder: "bgr", range: "bytes" } as const;
    const { found } = await look(meansOf({ gain: 1 / 25.5 }), { attributes: [colours], preprocessing: bgr }, [
      left,
    ]);
    // What it takes for the third channel, blue, is red.
    expect(found[0]![2]).toBeGreaterThan(0.999);
    const usual = await importClassifier(meansOf({}), { attributes: [colours] });
    expect(usual.words[1]).toContain(
      "less the mean 0.485, 0.456, 0.406 by the deviation 0.229, 0.224, 0.225",
    );
  });

  test("may give probabilities itself, and several attributes in as many outputs or in parts of one", async () => {
    const { imported, found } = await look(
      meansOf({ softmax: true, outputs: 2 }),
      { attributes: [colours, { name: "light", values: ["a", "b", "c"] }], preprocessing: plain },
      [left],
    );
    expect(imported.words).toContain("Its outputs are probabilities.");
    expect(found[0]).toEqual(found[1]);
    expect(found[0]![0]).toBeGreaterThan(0.999);
    const halves = [
      { name: "warm", values: ["red", "green"] },
      { name: "odd", values: ["blue", "none"] },
    ];
    const four = meansOf({});
    const more = four.add(
      "Concat",
      [four.outputs[0]!.name, four.add("Slice", [four.outputs[0]!.name, ...slicing(four)])],
      {
        axis: attr.int(1),
      },
    );
    four.outputs = [{ name: more, type: "float32", shape: ["B", 4] }];
    const parts = await look(four, { attributes: halves, preprocessing: plain }, [left]);
    expect(parts.found.map((values) => values.length)).toEqual([2, 2]);
    expect(parts.found[0]![0]).toBeGreaterThan(0.999);
  });

  test("that was exported for one picture looks at objects one by one where its batch cannot be freed", async () => {
    const { imported, found } = await look(
      meansOf({ batch: 1 }),
      { attributes: [colours], preprocessing: plain },
      [left, stripe],
    );
    // The shape [1, 3] in it copies the batch once that is asked for.
    expect(imported.words.at(-1)).toMatch(/any number/);
    expect([found[0]![0]! > 0.99, found[0]![4]! > 0.99]).toEqual([true, true]);
  });
});

test("what is no classifier, and attributes that do not fit, are told with what was seen", async () => {
  await expect(importClassifier(meansOf({}))).rejects.toThrow(/--attribute NAME=value.*Identity \[B, 3\]/);
  const two = { name: "colour", values: ["red", "green"] };
  await expect(importClassifier(meansOf({}), { attributes: [two] })).rejects.toThrow(
    /2 values, but .*\[B, 3\]/,
  );
  await expect(importClassifier(meansOf({}), { attributes: [{ name: "colour" }] })).rejects.toThrow(
    /does not name the values of 'colour'/,
  );
  const detector = meansOf({});
  const cube = detector.add("Unsqueeze", [
    detector.outputs[0]!.name,
    detector.addInitializer("axis", int64([1], [1])),
  ]);
  detector.outputs = [{ name: cube, type: "float32", shape: ["B", 1, 3] }];
  await expect(importClassifier(detector, { attributes: [colours] })).rejects.toThrow(
    /no classifier[\s\S]*Seen: .*\[1, 1, 3\][\s\S]*Expected: .*\[B, C\]/,
  );
});

/** Starts, ends and axes of the first column. */
function slicing(graph: OnnxGraph): string[] {
  return [0, 1, 1].map((value, i) => graph.addInitializer(`slice${i}`, int64([1], [value])));
}
