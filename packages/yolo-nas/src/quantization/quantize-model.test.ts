import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { attr, decodeModel, encodeModel, float32, loadModel, OnnxGraph } from "../onnx/index.ts";
import { InferenceSession } from "../runtime/onnx-runtime.ts";
import { pairsThatCanClip, saturatesU8S8 } from "../runtime/pair-sums.ts";
import { type CalibrationFrame, feed } from "./calibrate.ts";
import { reportTable } from "./quantization-report.ts";
import { type QuantizedModels, type QuantizeOptions, quantizeModel } from "./quantize-model.ts";
import { sensitivityPlot } from "./sensitivity-plot.ts";

/** A network with each of YOLO-NAS's kinds of node: stem, alpha residual, SPP, up-sampling, skip, prediction. */
function smallNetwork(): OnnxGraph {
  let seed = 1;
  const random = (length: number, scale: number) =>
    Float32Array.from({ length }, () => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed / 0x3fffffff - 1) * scale;
    });
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "frames", type: "uint8", shape: ["N", 3, 32, 48] }];
  const constant = (name: string, dims: number[], scale: number) =>
    graph.addInitializer(
      name,
      float32(
        dims,
        random(
          dims.reduce((a, b) => a * b, 1),
          scale,
        ),
      ),
    );
  const conv = (
    name: string,
    input: string,
    from: number,
    to: number,
    kernel = 1,
    stride = 1,
    relu = true,
  ) => {
    const inputs = [
      input,
      constant(`${name}.weight`, [to, from, kernel, kernel], 1.5 / Math.sqrt(from * kernel * kernel)),
      constant(`${name}.bias`, [to], 0.2),
    ];
    const pad = kernel >> 1;
    const output = graph.add(
      "Conv",
      inputs,
      {
        kernel_shape: attr.ints([kernel, kernel]),
        strides: attr.ints([stride, stride]),
        pads: attr.ints([pad, pad, pad, pad]),
      },
      name,
    );
    return relu ? graph.add("Relu", [output], {}, `${name}/relu`) : output;
  };
  const pixels = graph.add("Cast", ["frames"], { to: attr.int(1) });
  graph.addInitializer("inverse", float32([], [1 / 255]));
  const stem = conv("stem", graph.add("Mul", [pixels, "inverse"]), 3, 16, 3, 2);
  graph.addInitializer("alpha", float32([1], [0.7]));
  const branch = conv("block.cv2", conv("block.cv1", stem, 16, 16, 3), 16, 16, 3);
  const block = graph.add("Add", [graph.add("Mul", ["alpha", stem]), branch], {}, "block.add");
  const pool = graph.add(
    "MaxPool",
    [block],
    { kernel_shape: attr.ints([5, 5]), strides: attr.ints([1, 1]), pads: attr.ints([2, 2, 2, 2]) },
    "spp.pool",
  );
  const deep = conv(
    "spp.cv2",
    graph.add("Concat", [block, pool], { axis: attr.int(1) }, "spp.concat"),
    32,
    16,
    3,
    2,
  );
  const up = graph.add(
    "ConvTranspose",
    [deep, constant("up.weight", [16, 8, 2, 2], 0.4), constant("up.bias", [8], 0.1)],
    { kernel_shape: attr.ints([2, 2]), strides: attr.ints([2, 2]) },
    "up",
  );
  const neck = conv("neck", graph.add("Concat", [up, stem], { axis: attr.int(1) }, "neck.concat"), 24, 16);
  const prediction = conv("pred", neck, 16, 8, 1, 1, false);
  graph.outputs = [{ name: "scores", type: "float32", shape: ["N", 8, 16, 24] }];
  graph.addNode({ op: "Sigmoid", inputs: [prediction], outputs: ["scores"] });
  return graph;
}

function frame(seed: number): CalibrationFrame {
  let state = seed;
  const pixels = Uint8Array.from({ length: 3 * 32 * 48 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
  return { pixels, width: 48, height: 32 };
}

const frames = Array.from({ length: 6 }, (_, i) => frame(i + 1));
const options: QuantizeOptions = { frames, method: { kind: "max" }, sensitivity: false };

/** `asWritten`: each operator by itself, instead of integer kernels for several, whose 16-bit sums overflow without VNNI. */
async function run(graph: OnnxGraph, input: CalibrationFrame, asWritten = false): Promise<Float32Array> {
  const session = await InferenceSession.create(encodeModel(graph), {
    logSeverityLevel: 3,
    graphOptimizationLevel: asWritten ? "disabled" : "all",
  });
  const outputs = await session.run(feed(session, input));
  await session.release();
  return outputs.scores!.data as Float32Array;
}

/** The operators left after ONNX Runtime's own fusion. */
async function fusedOperators(graph: OnnxGraph): Promise<Map<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "sightline-fused-"));
  const optimizedModelFilePath = join(folder, "optimised.onnx");
  const session = await InferenceSession.create(encodeModel(graph), {
    optimizedModelFilePath,
    logSeverityLevel: 3,
  });
  await session.release();
  const { nodes } = await loadModel(optimizedModelFilePath);
  await rm(folder, { recursive: true });
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return counts;
}

describe("quantizeModel", () => {
  const graph = smallNetwork();
  let models: QuantizedModels;
  beforeAll(async () => {
    models = await quantizeModel(graph, options);
  });

  it("writes a CPU file that ONNX Runtime fuses whole: nothing is float but what the prediction says", async () => {
    const counts = await fusedOperators(models.cpu);
    expect(counts.get("QLinearConv")).toBe(6);
    expect(counts.get("QLinearAdd")).toBe(1);
    expect(counts.get("QLinearConcat")).toBe(2);
    expect(counts.get("QGemm")).toBe(1);
    const float = ["Conv", "FusedConv", "Gemm", "Relu", "ConvTranspose", "Mul", "Add", "Concat", "Cast"];
    for (const op of [...float, "QuantizeLinear", "DequantizeLinear"]) {
      expect(counts.get(op), op).toBeUndefined();
    }
  });

  it("gives the CPU's first convolution a fourth plane of zeros, which kernels read faster, and changes nothing by it", async () => {
    const nearest = { ...options, rounding: "nearest", biasCorrection: false } as const;
    const filled = (await quantizeModel(graph, nearest)).cpu;
    const weights = filled.initializers.get("stem/weight/quantized")!;
    expect(weights.dims).toEqual([16, 4, 3, 3]);
    expect(
      [...weights.data].filter((_, i) => Math.floor(i / 9) % 4 === 3).every((value) => value === 0),
    ).toBe(true);
    const plain = filled.clone();
    const stem = plain.nodes.find(({ name }) => name === "stem")!;
    plain.producerOf(stem.inputs[0]!)!.inputs[0] = "frames";
    plain.initializers.set("stem/weight/quantized", {
      type: "int8",
      dims: [16, 3, 3, 3],
      data: (weights.data as Int8Array).filter((_, i) => Math.floor(i / 9) % 4 < 3),
    });
    expect(await run(filled, frame(99), true)).toEqual(await run(plain, frame(99), true));
    expect((await quantizeModel(graph, nearest)).tensorrt.nodes.some(({ op }) => op === "Pad")).toBe(false);
  });

  it.each(["cpu", "tensorrt"] as const)(
    "stays close to the float graph on new frames (%s)",
    async (encoding) => {
      const input = frame(99);
      const [wanted, got] = [
        await run(graph, input),
        // No CPU runs TensorRT's encoding: what counts is what its numbers say.
        await run(models[encoding], input, encoding === "tensorrt"),
      ];
      const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
      expect(worst).toBeLessThan(0.05);
      expect(worst).toBeGreaterThan(0);
    },
  );

  it("quantises activations as uint8 from zero for the CPU, except where they are negative", () => {
    const zeros = activationZeroPoints(models.cpu);
    expect(zeros.filter(({ type }) => type !== "uint8")).toEqual([]);
    const shifted = zeros.filter(({ value }) => value !== 0).map(({ name }) => name.split("/")[0]);
    expect(new Set(shifted)).toEqual(new Set(["up", "neck.concat"]));
  });

  it("quantises everything symmetrically in int8 for TensorRT, with a float bias and the pixels cast", () => {
    const zeros = activationZeroPoints(models.tensorrt);
    expect(zeros.every(({ type, value }) => type === "int8" && value === 0)).toBe(true);
    expect(models.tensorrt.nodes.some(({ op }) => op === "ConvTranspose")).toBe(true);
    expect(models.tensorrt.nodes.some(({ op }) => op === "Cast")).toBe(true);
    const integers = [...models.tensorrt.initializers.values()].filter(({ type }) => type === "int32");
    expect(integers).toEqual([]);
  });

  it("is exact where two neighbouring products are added in 16 bits: kernels give what is written", async () => {
    expect(pairsThatCanClip(models.cpu)).toBe(0);
    // TensorRT's file uses all 8 bits, which only processors with VNNI add up exactly.
    expect(pairsThatCanClip(models.tensorrt)).toBeGreaterThan(0);
    const [kernels, written] = [await run(models.cpu, frames[0]!), await run(models.cpu, frames[0]!, true)];
    const worst = kernels.reduce((most, value, i) => Math.max(most, Math.abs(value - written[i]!)), 0);
    expect(worst).toBeLessThan(0.02);
  });

  it("finds out whether the kernels here clip", async () => {
    expect(typeof (await saturatesU8S8())).toBe("boolean");
    const vnni = /\b(avx512_vnni|avx_vnni|asimddp)\b/.test(await readFile("/proc/cpuinfo", "utf8"));
    if (vnni) expect(await saturatesU8S8()).toBe(false);
  });

  it("gives each channel the float network's mean: the bias takes back what rounding shifted", async () => {
    const shift = async (biasCorrection: boolean) => {
      const { tensorrt } = await quantizeModel(graph, { ...options, biasCorrection, rounding: "nearest" });
      let sum = 0;
      for (const input of frames) {
        const [wanted, got] = [await run(graph, input), await run(tensorrt, input, true)];
        sum += got.reduce((total, value, i) => total + value - wanted[i]!, 0) / got.length;
      }
      return Math.abs(sum);
    };
    expect(await shift(true)).toBeLessThan((await shift(false)) / 2);
  });

  it("loses less when the errors of rounding make up for each other", async () => {
    const error = async (rounding: "nearest" | "adaptive") => {
      const { tensorrt } = await quantizeModel(graph, { ...options, rounding, biasCorrection: false });
      let sum = 0;
      for (let seed = 90; seed < 96; seed++) {
        const [wanted, got] = [await run(graph, frame(seed)), await run(tensorrt, frame(seed), true)];
        sum += got.reduce((total, value, i) => total + (value - wanted[i]!) ** 2, 0);
      }
      return sum;
    };
    expect(await error("adaptive")).toBeLessThan(0.95 * (await error("nearest")));
  });

  it("survives a round trip through a file's bytes", async () => {
    const again = decodeModel(encodeModel(models.cpu));
    expect(await run(again, frames[0]!)).toEqual(await run(models.cpu, frames[0]!));
  });

  it("leaves the layers asked for in float, by the beginning of their names", async () => {
    const some = await quantizeModel(graph, { ...options, skipLayers: ["block.", "pred"] });
    const counts = await fusedOperators(some.cpu);
    expect(counts.get("QLinearConv")).toBe(4);
    const skipped = some.report.layers.filter((layer) => layer.skipped === "asked").map(({ name }) => name);
    expect(skipped).toEqual(["block.cv1", "block.cv2", "pred"]);
  });

  it("refuses a layer that does not exist, and no frames", async () => {
    const wrong = quantizeModel(graph, { ...options, skipLayers: ["head9"] });
    await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(quantizeModel(graph, { ...options, frames: [] })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  it("measures every layer, reports it, and calibrates on exactly the frames given", async () => {
    const calibrated: number[] = [];
    const { report } = await quantizeModel(graph, {
      ...options,
      sensitivity: true,
      onProgress: ({ stage, done }) => stage === "calibrating" && calibrated.push(done),
    });
    expect(calibrated).toEqual([1, 2, 3, 4, 5, 6]);
    expect(report.layers).toHaveLength(7);
    for (const layer of report.layers) {
      expect(layer.error, layer.name).toBeGreaterThan(0);
      expect(layer.error, layer.name).toBeLessThan(0.05);
      expect(layer.int8Ms, layer.name).toBeGreaterThan(0);
    }
    for (const { name } of report.layers) {
      expect(reportTable(report)).toContain(name);
      expect(sensitivityPlot(report)).toContain(`>${name}</text>`);
    }
  });

  it("reports the AP that each layer alone costs, when asked to", async () => {
    const alone: string[][] = [];
    const measureAp = async (model: Uint8Array) => {
      const layers = quantizedLayers(model);
      alone.push(layers);
      return layers.includes("neck") ? 58 : 60;
    };
    const { report } = await quantizeModel(graph, {
      ...options,
      sensitivity: true,
      apPerLayer: true,
      measureAp,
      maxApDrop: 5,
    });
    const drops = report.layers.map(({ name, apDrop }) => [name, apDrop]);
    expect(drops).toEqual(report.layers.map(({ name }) => [name, name === "neck" ? 2 : 0]));
    for (const { name } of report.layers) expect(alone).toContainEqual([name]);
    expect(reportTable(report)).toMatch(/^neck +\S+ +2\.00 /m);
  });

  it("gives layers back to float until the AP bar holds", async () => {
    const measured: number[] = [];
    // An AP that counts what is still in 8 bits: three points lost a layer.
    const measureAp = async (model: Uint8Array) => {
      const quantized = quantizedLayers(model).length;
      measured.push(60 - 3 * quantized);
      return 60 - 3 * quantized;
    };
    const { report } = await quantizeModel(graph, {
      ...options,
      sensitivity: true,
      measureAp,
      maxApDrop: 10,
    });
    expect(report.ap!.drop).toBeLessThanOrEqual(10);
    expect(report.layers.filter((layer) => layer.skipped === undefined)).toHaveLength(3);
    // It costs nothing to leave the prediction's result in float, so the prediction itself is never given back.
    expect(report.layers.find(({ name }) => name === "pred")!.skipped).toBeUndefined();
  });

  it("stops when told to", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(quantizeModel(graph, { ...options, signal })).rejects.toThrow("enough");
  });
});

/** Names of the layers whose weights are in 8 bits. */
function quantizedLayers(model: Uint8Array): string[] {
  const suffix = "/weight/dequantize";
  const names = decodeModel(model).nodes.map(({ name, outputs }) => [name, ...outputs]);
  return names.flatMap((all) => all.find((name) => name.endsWith(suffix))?.slice(0, -suffix.length) ?? []);
}

function activationZeroPoints(graph: OnnxGraph): { name: string; type: string; value: number }[] {
  return graph.nodes
    .filter(({ op }) => op === "QuantizeLinear" || op === "DequantizeLinear")
    .map(({ inputs }) => ({ name: inputs[2]!, tensor: graph.initializers.get(inputs[2]!)! }))
    .filter(({ tensor }) => tensor.dims.length === 0)
    .map(({ name, tensor }) => ({ name, type: tensor.type, value: Number(tensor.data[0]) }));
}
