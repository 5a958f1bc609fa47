/** Whether this processor's integer kernels are exact, and whether a model's weights need them to be. */
import { encodeModel, float32, OnnxGraph } from "../onnx/index.ts";
import { kernelOrder, LARGEST_PAIR, sameSign } from "../quantization/weight-quantization.ts";
import { InferenceSession, Tensor } from "./onnx-runtime.ts";

let measured: Promise<boolean> | undefined;

/**
 * Whether ONNX Runtime's u8 × s8 kernels clip here: without VNNI (or ARM's dot product) they add two neighbouring
 * products in int16. Measured once a process, by a convolution whose exact answer is known.
 *
 * @example
 * ```ts
 * assert.equal(typeof (await saturatesU8S8()), "boolean"); // false with VNNI.
 * ```
 */
export function saturatesU8S8(): Promise<boolean> {
  measured ??= measure();
  return measured;
}

async function measure(): Promise<boolean> {
  const channels = 16;
  const graph = new OnnxGraph();
  const scalar = (name: string, value: number) => graph.addInitializer(name, float32([], [value]));
  const zero = (name: string, type: "uint8" | "int8") =>
    graph.addInitializer(name, {
      type,
      dims: [],
      data: type === "int8" ? new Int8Array(1) : new Uint8Array(1),
    });
  const weights = new Int8Array(channels * channels).fill(127);
  graph.addInitializer("weights", { type: "int8", dims: [channels, channels, 1, 1], data: weights });
  const one = scalar("one", 1);
  // The exact sum of 255 × 127 over 16 channels, at this scale, is 127.
  const scale = scalar("scale", 255 * channels);
  const inputs = ["pixels", one, zero("zero_u8", "uint8"), "weights", one, zero("zero_s8", "int8"), scale];
  graph.addNode({ op: "QLinearConv", inputs: [...inputs, "zero_u8"], outputs: ["sum"] });
  const shape = [1, channels, 1, 1];
  graph.inputs = [{ name: "pixels", type: "uint8", shape }];
  graph.outputs = [{ name: "sum", type: "uint8", shape }];
  const session = await InferenceSession.create(encodeModel(graph), { intraOpNumThreads: 1 });
  try {
    const pixels = new Tensor("uint8", new Uint8Array(channels).fill(255), shape);
    const { sum } = await session.run({ pixels });
    return (sum!.data as Uint8Array)[0] !== 127;
  } finally {
    await session.release();
  }
}

/**
 * How many of a quantised model's weight pairs could exceed int16 on processors that sum in it; 0 means exact results everywhere.
 *
 * @example
 * ```ts
 * assert.equal(pairsThatCanClip(await loadModel("models/yolo-nas-pedestrians/int8.cpu.onnx")), 0);
 * ```
 */
export function pairsThatCanClip(graph: OnnxGraph): number {
  let count = 0;
  for (const node of graph.nodes) {
    if (node.op !== "Conv" && node.op !== "Gemm") continue;
    const weights = graph.initializers.get(graph.producerOf(node.inputs[1]!)?.inputs[0] ?? "");
    if (weights?.type !== "int8") continue;
    const [channels, ...inner] = weights.dims as [number, ...number[]];
    const taps = inner.slice(1).reduce((product, dim) => product * dim, 1);
    const size = weights.data.length / channels;
    const order = kernelOrder(size, taps);
    const values = weights.data as Int8Array;
    for (let from = 0; from < values.length; from += size) {
      for (let k = 0; k + 1 < size; k += 2) {
        if (sameSign(values[from + order[k]!]!, values[from + order[k + 1]!]!) > LARGEST_PAIR) count += 1;
      }
    }
  }
  return count;
}

/** The runtime that a quantised graph was written for: uint8 activations are for the CPU. */
export function encodingOf(graph: OnnxGraph): "cpu" | "tensorrt" {
  const unsigned = graph.nodes.some(
    ({ op, inputs }) =>
      op === "DequantizeLinear" && graph.initializers.get(inputs[2] ?? "")?.type === "uint8",
  );
  return unsigned ? "cpu" : "tensorrt";
}

/**
 * The kind of processor on which a model gives the same results as in this process, to be recorded with figures.
 *
 * @example
 * ```ts
 * const graph = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * assert.equal(await processorKind(graph, { provider: "cpu", simulateInt8: false }), "any CPU");
 * ```
 */
export async function processorKind(
  graph: OnnxGraph,
  how: { readonly provider: string; readonly simulateInt8: boolean },
): Promise<string> {
  const quantized = graph.nodes.some(({ op }) => op === "DequantizeLinear");
  if (how.provider !== "cpu") return how.provider === "tensorrt" ? "TensorRT on a GPU" : "a GPU";
  if (!quantized) return "any CPU";
  if (how.simulateInt8 && encodingOf(graph) === "tensorrt") return "TensorRT, simulated";
  if (pairsThatCanClip(graph) === 0) return "any CPU";
  return !how.simulateInt8 && (await saturatesU8S8()) ? "a CPU without VNNI" : "a CPU with VNNI";
}
