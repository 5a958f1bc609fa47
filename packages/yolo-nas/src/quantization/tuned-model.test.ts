import { beforeAll, describe, expect, it } from "vitest";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import type { OnnxGraph } from "../onnx/index.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { SeededWeights } from "../weights/seeded-weights.ts";
import { quantizeModel } from "./quantize-model.ts";
import { checkTuned } from "./tuned-model.ts";

describe("checkTuned", () => {
  let files: Record<"cpu" | "tensorrt", OnnxGraph>;
  beforeAll(async () => {
    const input = { width: 64, height: 32, classes: ["person"] };
    const graph = prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input));
    const frame = { pixels: new Uint8Array(3 * 64 * 32).fill(90), width: 64, height: 32 };
    const method = { kind: "max" } as const;
    files = await quantizeModel(graph, { frames: [frame], method, sensitivity: false, rounding: "nearest" });
  });
  const weight = "backbone.stem.conv/weight/quantized";
  const changed = (change: (values: Int8Array) => void) => {
    const copy = files.cpu.clone();
    const tensor = copy.initializers.get(weight)!;
    const data = (tensor.data as Int8Array).slice();
    change(data);
    copy.initializers.set(weight, { ...tensor, data });
    return copy;
  };

  it("takes the same network with other numbers", () => {
    const tuned = changed((values) => {
      values[0] = values[0]! > 0 ? values[0]! - 1 : values[0]! + 1;
    });
    expect(() => checkTuned(tuned, files.cpu, true)).not.toThrow();
  });

  it("refuses weights that clip where there is no VNNI, in a file for CPUs", () => {
    const tuned = changed((values) => values.fill(127));
    expect(() => checkTuned(tuned, files.cpu, true)).toThrow("without VNNI");
    expect(() => checkTuned(tuned, files.cpu, false)).not.toThrow();
  });

  it("refuses another network, other shapes and other classes", () => {
    expect(() => checkTuned(files.tensorrt, files.cpu, true)).toThrow("operators");
    const reordered = files.cpu.clone();
    const conv = reordered.nodes.find(({ op }) => op === "Conv")!;
    conv.inputs = [...conv.inputs.slice(0, 1), ...conv.inputs.slice(1).reverse()];
    expect(() => checkTuned(reordered, files.cpu, true)).toThrow(conv.name);
    const wider = files.cpu.clone();
    wider.initializers.set(weight, { type: "int8", dims: [1], data: new Int8Array(1) });
    expect(() => checkTuned(wider, files.cpu, true)).toThrow(weight);
    const renamed = files.cpu.clone();
    renamed.metadata.set("classes", '["dog"]');
    expect(() => checkTuned(renamed, files.cpu, true)).toThrow("classes");
  });
});
