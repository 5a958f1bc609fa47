/** Which parts of a float graph can be computed in 8 bits, and which of its tensors are quantised for that. */
import { type GraphNode, type OnnxGraph, type Tensor, toFloat32, toNumbers } from "../onnx/index.ts";
import type { QuantizedWeights } from "./weight-quantization.ts";

/** A convolution with constant weights, with the ReLU that follows it, if any. */
export interface QuantizableLayer {
  /** The node's name, which `--skip-layers` and the report use. */
  readonly name: string;
  readonly node: GraphNode;
  readonly input: string;
  /** The tensor after the layer's ReLU: the one that is quantised. */
  readonly output: string;
  readonly weight: Tensor;
  readonly bias: Float32Array | undefined;
  /** The weights in 8 bits, if something better than rounding to the nearest was computed. */
  readonly rounded?: QuantizedWeights | undefined;
}

/** A tensor to quantise; `factor` multiplies its scale where it is read (a residual's constant multiplier). */
export interface QuantizedOperand {
  readonly tensor: string;
  readonly factor: number;
}

/** An operation that moves or adds quantised tensors; it is quantised because a quantised layer reads its result. */
export interface QuantizedPassage {
  readonly node: GraphNode;
  readonly operands: readonly QuantizedOperand[];
  readonly output: string;
}

/** Everything that is quantised for one choice of layers. */
export interface QuantizationPlan {
  readonly layers: readonly QuantizableLayer[];
  readonly passages: readonly QuantizedPassage[];
  /** Tensors that get a quantiser, in graph order. */
  readonly tensors: readonly string[];
}

/** The network's uint8 input, which is already quantised: the tensor equal to `scale` × pixel. */
export interface QuantizedInput {
  readonly pixels: string;
  readonly tensor: string;
  readonly scale: number;
}

/** All layers that can be quantised: Conv, and the 2×2 stride-2 ConvTranspose of the neck. */
export function findLayers(graph: OnnxGraph): QuantizableLayer[] {
  const layers: QuantizableLayer[] = [];
  for (const node of graph.nodes) {
    if (node.op !== "Conv" && !(node.op === "ConvTranspose" && isDoublingUpsample(node))) continue;
    const weight = graph.constantOf(node.inputs[1] ?? "");
    if (!weight) continue;
    const biasTensor = node.inputs[2] ? graph.constantOf(node.inputs[2]) : undefined;
    if (node.inputs[2] && !biasTensor) continue;
    layers.push({
      name: node.name,
      node,
      input: node.inputs[0]!,
      output: outputAfterRelu(graph, node),
      weight,
      bias: biasTensor && toFloat32(biasTensor),
    });
  }
  return layers;
}

/** Layers that no further layer follows: the network's predictions before decoding. */
export function finalLayers(graph: OnnxGraph, layers: readonly QuantizableLayer[]): QuantizableLayer[] {
  const feedsLayer = new Set<string>(layers.map((layer) => layer.input));
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((name) => feedsLayer.has(name)))
      for (const name of node.inputs) feedsLayer.add(name);
  }
  return layers.filter((layer) => !feedsLayer.has(layer.output));
}

/**
 * The plan for a choice of layers.
 * @param floatOutputs chosen layers whose results are not quantised
 */
export function planQuantization(
  graph: OnnxGraph,
  layers: readonly QuantizableLayer[],
  floatOutputs: ReadonlySet<string> = new Set(),
): QuantizationPlan {
  const wanted = new Set(layers.map((layer) => layer.input));
  const passages: QuantizedPassage[] = [];
  for (const node of graph.nodes.toReversed()) {
    const passage = wanted.has(node.outputs[0]!) ? passageOf(graph, node) : undefined;
    if (!passage) continue;
    passages.unshift(passage);
    for (const operand of passage.operands) wanted.add(operand.tensor);
  }
  for (const layer of layers) if (!floatOutputs.has(layer.name)) wanted.add(layer.output);
  for (const passage of passages) wanted.add(passage.output);
  const order = [...graph.inputs.map((info) => info.name), ...graph.nodes.flatMap((node) => node.outputs)];
  return { layers, passages, tensors: order.filter((name) => wanted.has(name)) };
}

/** Operations that move pixels without changing them: padding, cropping, reordering of planes. */
const MOVES_PIXELS = new Set(["Pad", "Slice", "Gather", "Transpose", "Identity"]);

/**
 * The scaled form of a uint8 input (Cast, then a constant Mul or Div), after operations that only move pixels; undefined for a float
 * input.
 */
export function findQuantizedInput(graph: OnnxGraph): QuantizedInput | undefined {
  const [input] = graph.inputs;
  if (input?.type !== "uint8") return undefined;
  let pixels = input.name;
  for (let next = mover(graph, pixels); next; next = mover(graph, pixels)) pixels = next.outputs[0]!;
  const cast = onlyReader(graph, pixels, "Cast");
  const value = cast?.outputs[0];
  const scaling = value && (onlyReader(graph, value, "Mul") ?? onlyReader(graph, value, "Div"));
  if (!scaling) return undefined;
  const constant = scalar(graph, scaling.inputs.find((name) => name !== value) ?? "");
  if (constant === undefined || (scaling.op === "Div" && scaling.inputs[0] !== value)) return undefined;
  return { pixels, tensor: scaling.outputs[0]!, scale: scaling.op === "Mul" ? constant : 1 / constant };
}

function mover(graph: OnnxGraph, value: string): GraphNode | undefined {
  const readers = graph.consumersOf(value);
  return readers.length === 1 && MOVES_PIXELS.has(readers[0]!.op) && readers[0]!.inputs[0] === value
    ? readers[0]
    : undefined;
}

/** Whether a ConvTranspose is the non-overlapping 2×2 up-sampling that equals a 1×1 convolution and a shuffle. */
function isDoublingUpsample(node: GraphNode): boolean {
  const all = (name: string, value: number, absent: boolean) => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === "ints" ? attribute.value.every((v) => v === value) : absent;
  };
  const group = node.attributes.get("group");
  return (
    all("strides", 2, false) &&
    all("kernel_shape", 2, false) &&
    all("pads", 0, true) &&
    all("output_padding", 0, true) &&
    all("dilations", 1, true) &&
    (group?.kind !== "int" || group.value === 1)
  );
}

function outputAfterRelu(graph: OnnxGraph, node: GraphNode): string {
  const output = node.outputs[0]!;
  return onlyReader(graph, output, "Relu")?.outputs[0] ?? output;
}

function onlyReader(graph: OnnxGraph, value: string, op: string): GraphNode | undefined {
  const readers = graph.consumersOf(value);
  return readers.length === 1 && readers[0]!.op === op && !graph.isOutput(value) ? readers[0] : undefined;
}

function passageOf(graph: OnnxGraph, node: GraphNode): QuantizedPassage | undefined {
  const output = node.outputs[0]!;
  const plain = () => ({
    node,
    operands: node.inputs.map((tensor) => ({ tensor, factor: 1 })),
    output,
  });
  if (node.op === "Concat" || (node.op === "MaxPool" && node.outputs.length === 1)) return plain();
  if (isSilu(graph, node) || (node.op === "Sigmoid" && feedsSilu(graph, node))) return plain();
  if (node.op !== "Add" || node.inputs.some((name) => graph.constantOf(name))) return undefined;
  return { ...plain(), operands: node.inputs.map((name) => residualOperand(graph, name)) };
}

/** x × sigmoid(x). In 8 bits its sigmoid is a table; in float every pixel would be converted to a float and back. */
function isSilu(graph: OnnxGraph, node: GraphNode): boolean {
  if (node.op !== "Mul") return false;
  const [left, right] = node.inputs as [string, string];
  const gates = (gate: string, value: string) => {
    const producer = graph.producerOf(gate);
    return producer?.op === "Sigmoid" && producer.inputs[0] === value;
  };
  return gates(left, right) || gates(right, left);
}

function feedsSilu(graph: OnnxGraph, sigmoid: GraphNode): boolean {
  return graph.consumersOf(sigmoid.outputs[0]!).every((reader) => isSilu(graph, reader));
}

/**
 * A residual is alpha × x + y. Since alpha is a constant, alpha × x in 8 bits is x's own 8 bits read at alpha times the
 * scale: no multiplication is left, and nothing is rounded twice.
 */
function residualOperand(graph: OnnxGraph, name: string): QuantizedOperand {
  const producer = graph.producerOf(name);
  if (producer?.op !== "Mul") return { tensor: name, factor: 1 };
  const [left, right] = producer.inputs as [string, string];
  const factor = scalar(graph, left) ?? scalar(graph, right);
  const tensor = scalar(graph, left) === undefined ? left : right;
  return factor !== undefined && factor > 0 ? { tensor, factor } : { tensor: name, factor: 1 };
}

function scalar(graph: OnnxGraph, name: string): number | undefined {
  const constant = graph.constantOf(name);
  return constant?.data.length === 1 ? toNumbers(constant)[0] : undefined;
}
