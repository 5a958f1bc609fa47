/** What a graph does to its image before the first convolution. */
import { type ElementType, type GraphNode, type OnnxGraph, toNumbers } from "../onnx/index.ts";

export interface ImageInput {
  readonly name: string;
  readonly type: ElementType;
  readonly batch: number | "dynamic";
  readonly width: number;
  readonly height: number;
  /** The graph's first convolution, and the value it reads. */
  readonly firstConvolution: GraphNode;
  readonly normalized: string;
  /** The factor for pixels before the first convolution; 1 when the caller has to scale. */
  readonly factor: number;
  /** The order of channels that the caller must give, for a network that wants RGB inside. */
  readonly channelOrder: "rgb" | "bgr";
}

/**
 * Read the image input and the element-wise steps that follow it.
 * @returns undefined when there is no [B, 3, H, W] input with a fixed size, or the steps before the first convolution
 * are not casts, one scaling and a channel swap
 */
export function findImageInput(graph: OnnxGraph): ImageInput | undefined {
  const info = graph.inputs.find((candidate) => candidate.shape?.length === 4 && candidate.shape[1] === 3);
  const [batch, , height, width] = info?.shape ?? [];
  if (!info?.type || typeof height !== "number" || typeof width !== "number") return undefined;
  let value = info.name;
  let factor = 1;
  let swapped = false;
  for (;;) {
    const readers = graph.consumersOf(value);
    const convolution = readers.find((node) => node.op === "Conv");
    if (convolution) {
      return {
        name: info.name,
        type: info.type,
        batch: typeof batch === "number" && batch > 0 ? batch : "dynamic",
        width,
        height,
        firstConvolution: convolution,
        normalized: value,
        factor,
        channelOrder: swapped ? "bgr" : "rgb",
      };
    }
    const step = readers.length === 1 ? readers[0]! : undefined;
    const effect = step && stepEffect(graph, step, value);
    if (!step || !effect) return undefined;
    factor *= effect.factor;
    if (effect.swaps) swapped = !swapped;
    value = step.outputs[0]!;
  }
}

function stepEffect(
  graph: OnnxGraph,
  node: GraphNode,
  input: string,
): { factor: number; swaps?: boolean } | undefined {
  if (["Cast", "Identity", "QuantizeLinear", "DequantizeLinear"].includes(node.op)) return { factor: 1 };
  const other = node.inputs.find((name) => name !== input);
  const constant = other === undefined ? undefined : graph.constantOf(other);
  if (!constant) return undefined;
  const values = toNumbers(constant);
  const uniform = values.every((value) => value === values[0]) ? values[0] : undefined;
  if (node.op === "Mul" && uniform !== undefined) return { factor: uniform };
  if (node.op === "Div" && uniform !== undefined && node.inputs[0] === input) return { factor: 1 / uniform };
  if ((node.op === "Sub" || node.op === "Add") && uniform === 0) return { factor: 1 };
  const axis = node.attributes.get("axis");
  const overChannels = node.op === "Gather" && axis?.kind === "int" && axis.value === 1;
  return overChannels && String(values) === "2,1,0" ? { factor: 1, swaps: true } : undefined;
}
