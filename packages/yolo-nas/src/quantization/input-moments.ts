/** How the values that a layer multiplies vary together: rounding its weights well needs this. */
import { encodeModel, OnnxGraph } from "../onnx/index.ts";
import { InferenceSession, Tensor } from "../runtime/onnx-runtime.ts";
import {
  type CalibrationFrame,
  type FramesOptions,
  openWithOutputs,
  quietWhileIdle,
  runFrames,
} from "./calibrate.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";
import { kernelOrder } from "./weight-quantization.ts";

/**
 * Σ x xᵀ over places of the input, where x is what one output channel multiplies with its weights, in kernel order. Only neighbours
 * within a block count: a square of all inputs of a large layer would take hundreds of megabytes.
 */
export interface InputMoments {
  /** Inputs of an output channel: input channels × taps. */
  readonly size: number;
  /** Inputs [from, from + width) of each block and their moments, [width, width]. */
  readonly blocks: readonly { readonly from: number; readonly width: number; readonly sums: Float64Array }[];
}

/** An even number, so that no pair of neighbouring weights is split. */
const LARGEST_BLOCK = 768;
/** Number of places per frame that are used from an input. */
const PLACES = 512;

/** A layer may occur twice, also with weights for more planes than its input has: those weights are zero. */
export function momentsKey({ name, weight }: QuantizableLayer): string {
  return `${name} ${weight.dims.join("×")}`;
}

/**
 * The moments of each layer's input over the frames, by {@link momentsKey}. Convolutions in groups and transposed ones are
 * left out.
 */
export async function measureInputMoments(
  graph: OnnxGraph,
  layers: readonly QuantizableLayer[],
  frames: readonly CalibrationFrame[],
  options: FramesOptions = {},
): Promise<Map<string, InputMoments>> {
  const measured = layers.filter(isPlainConvolution);
  if (measured.length === 0) return new Map();
  const moments = new Map(measured.map((layer) => [momentsKey(layer), emptyMoments(layer)]));
  const session = await openWithOutputs(graph, [...new Set(measured.map(({ input }) => input))]);
  const product = await InferenceSession.create(encodeModel(squareOfColumns()), {
    ...{ logSeverityLevel: 3, ...quietWhileIdle },
  });
  try {
    await runFrames(session, frames, { ...options, stage: "measuring inputs" }, async (outputs, index) => {
      for (const layer of measured) {
        const { data, dims } = outputs[layer.input]!;
        const patches = samplePatches(layer, data as Float32Array, dims, index);
        for (const { from, width, sums } of moments.get(momentsKey(layer))!.blocks) {
          const x = new Tensor("float32", columns(patches, from, width), [patches.rows, width]);
          const square = (await product.run({ x })).square!.data as Float32Array;
          for (let i = 0; i < sums.length; i++) sums[i]! += square[i]!;
        }
      }
    });
  } finally {
    await product.release();
  }
  return moments;
}

function isPlainConvolution({ node }: QuantizableLayer): boolean {
  const group = node.attributes.get("group");
  return node.op === "Conv" && (group?.kind !== "int" || group.value === 1);
}

function emptyMoments({ weight: { dims } }: QuantizableLayer): InputMoments {
  const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
  const count = Math.ceil(size / LARGEST_BLOCK);
  const step = 2 * Math.ceil(size / count / 2);
  const blocks = Array.from({ length: count }, (_, i) => {
    const width = Math.min(step, size - i * step);
    return { from: i * step, width, sums: new Float64Array(width * width) };
  });
  return { size, blocks };
}

/** xᵀ x of x [N, K]. */
function squareOfColumns(): OnnxGraph {
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "x", type: "float32", shape: ["N", "K"] }];
  graph.outputs = [{ name: "square", type: "float32", shape: ["K", "K"] }];
  graph.addNode({ op: "MatMul", inputs: [graph.add("Transpose", ["x"]), "x"], outputs: ["square"] });
  return graph;
}

/** What a kernel sees at some places: `rows` of `size` values, in kernel order. */
interface Patches {
  readonly rows: number;
  readonly size: number;
  readonly values: Float32Array;
}

function samplePatches(
  { node, weight: { dims } }: QuantizableLayer,
  input: Float32Array,
  [, channels, height, width]: readonly number[],
  frame: number,
): Patches {
  const ints = (name: string, absent: number[]) => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === "ints" ? attribute.value : absent;
  };
  const [kernelHeight, kernelWidth] = dims.slice(2) as [number, number];
  const [strideY, strideX] = ints("strides", [1, 1]) as [number, number];
  const [dilationY, dilationX] = ints("dilations", [1, 1]) as [number, number];
  const [top, left, bottom, right] = ints("pads", [0, 0, 0, 0]) as [number, number, number, number];
  const outHeight = Math.floor((height! + top + bottom - dilationY * (kernelHeight - 1) - 1) / strideY) + 1;
  const outWidth = Math.floor((width! + left + right - dilationX * (kernelWidth - 1) - 1) / strideX) + 1;
  const places = outHeight * outWidth;
  const rows = Math.min(PLACES, places);
  const taps = kernelHeight * kernelWidth;
  const planes = dims[1]!;
  const size = planes * taps;
  const values = new Float32Array(rows * size);
  // Frames use different places: the golden ratio spreads their starts.
  const offset = (frame * 0.618034) % 1;
  for (let row = 0; row < rows; row++) {
    const place = Math.floor(((row + offset) * places) / rows) % places;
    const y = Math.floor(place / outWidth) * strideY - top;
    const x = (place % outWidth) * strideX - left;
    for (let tap = 0; tap < taps; tap++) {
      const fromY = y + Math.floor(tap / kernelWidth) * dilationY;
      const fromX = x + (tap % kernelWidth) * dilationX;
      if (fromY < 0 || fromX < 0 || fromY >= height! || fromX >= width!) continue;
      let from = fromY * width! + fromX;
      const to = row * size + tap * planes;
      for (let channel = 0; channel < channels!; channel++, from += height! * width!)
        values[to + channel] = input[from]!;
    }
  }
  return { rows, size, values };
}

function columns({ rows, size, values }: Patches, from: number, width: number): Float32Array {
  if (width === size) return values;
  const part = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    part.set(values.subarray(row * size + from, row * size + from + width), row * width);
  return part;
}

/** A layer's weights [channel, input], reordered to kernel order. */
export function inKernelOrder(weights: Float32Array, channels: number, taps: number): Float64Array {
  const size = weights.length / channels;
  const order = kernelOrder(size, taps);
  return Float64Array.from(weights, (_, i) => weights[i - (i % size) + order[i % size]!]!);
}
