/** Converts an exporter's graph to the plain form that the rest of this package expects. */
import {
  attr,
  elementTypeCode,
  float32,
  type GraphNode,
  type OnnxGraph,
  type Tensor,
  toFloat32,
  toNumbers,
} from "../onnx/index.ts";
import { foldBatchNorm, type Kernel } from "../weights/kernel.ts";

/**
 * In place: half-precision numbers become float32, Constant nodes become initializers, Identity and multiplications by
 * one disappear, and every BatchNormalization that alone follows a convolution is folded into it.
 */
export function foldConstants(graph: OnnxGraph): void {
  widenHalfPrecision(graph);
  for (const node of [...graph.nodes]) {
    const value = node.op === "Constant" ? graph.constantOf(node.outputs[0]!) : undefined;
    if (!value) continue;
    graph.removeNode(node);
    graph.initializers.set(node.outputs[0]!, value);
  }
  for (const node of [...graph.nodes]) {
    const source = node.op === "Identity" ? node.inputs[0] : factorOfOne(graph, node);
    if (source === undefined || graph.isOutput(node.outputs[0]!)) continue;
    graph.removeNode(node);
    graph.replaceUses(node.outputs[0]!, source);
  }
  for (const node of graph.nodes.filter(({ op }) => op === "BatchNormalization"))
    foldIntoConvolution(graph, node);
}

/** The other factor of a Mul by the scalar 1 (a shortcut's untrained alpha), else undefined. */
function factorOfOne(graph: OnnxGraph, node: GraphNode): string | undefined {
  if (node.op !== "Mul") return undefined;
  const index = node.inputs.findIndex((name) => {
    const constant = graph.constantOf(name);
    return constant !== undefined && constant.data.length === 1 && toNumbers(constant)[0] === 1;
  });
  return index < 0 ? undefined : node.inputs[1 - index];
}

function foldIntoConvolution(graph: OnnxGraph, node: GraphNode): void {
  const convolution = graph.producerOf(node.inputs[0]!);
  if (convolution?.op !== "Conv" || graph.consumersOf(node.inputs[0]!).length !== 1) return;
  const weight = graph.constantOf(convolution.inputs[1]!);
  const bias = convolution.inputs[2] ? graph.constantOf(convolution.inputs[2]) : undefined;
  const statistics = node.inputs.slice(1, 5).map((name) => graph.constantOf(name));
  if (!weight || (convolution.inputs[2] && !bias) || statistics.some((constant) => !constant)) return;
  const [gamma, beta, mean, variance] = statistics.map((constant) => toFloat32(constant!)) as Float32Array[];
  const epsilon = node.attributes.get("epsilon");
  const out = weight.dims[0]!;
  const kernel: Kernel = {
    out,
    in: weight.dims[1]!,
    size: weight.dims[2]!,
    weight: Float64Array.from(toFloat32(weight)),
    bias: bias ? Float64Array.from(toFloat32(bias)) : new Float64Array(out),
  };
  const folded = foldBatchNorm(kernel, {
    gamma: gamma!,
    beta: beta!,
    mean: mean!,
    variance: variance!,
    epsilon: epsilon?.kind === "float" ? epsilon.value : 1e-5,
  });
  const prefix = convolution.name;
  convolution.inputs = [
    convolution.inputs[0]!,
    graph.addInitializer(
      graph.uniqueName(`${prefix}.folded_weight`),
      float32(weight.dims, Float32Array.from(folded.weight)),
    ),
    graph.addInitializer(
      graph.uniqueName(`${prefix}.folded_bias`),
      float32([out], Float32Array.from(folded.bias)),
    ),
  ];
  graph.removeNode(node);
  convolution.outputs = [...node.outputs.slice(0, 1)];
}

function widenHalfPrecision(graph: OnnxGraph): void {
  const widen = (tensor: Tensor): Tensor =>
    tensor.type === "float16" ? float32(tensor.dims, toFloat32(tensor)) : tensor;
  for (const [name, tensor] of graph.initializers) graph.initializers.set(name, widen(tensor));
  for (const node of graph.nodes) {
    for (const [name, attribute] of node.attributes) {
      if (attribute.kind === "tensor") node.attributes.set(name, attr.tensor(widen(attribute.value)));
    }
    const to = node.op === "Cast" ? node.attributes.get("to") : undefined;
    if (to?.kind === "int" && to.value === elementTypeCode("float16")) {
      node.attributes.set("to", attr.int(elementTypeCode("float32")));
    }
  }
  const wide = <T extends { type: string | undefined }>(info: T): T =>
    info.type === "float16" ? { ...info, type: "float32" } : info;
  graph.inputs = graph.inputs.map(wide);
  graph.outputs = graph.outputs.map(wide);
  for (const [name, info] of graph.valueInfo) graph.valueInfo.set(name, wide(info));
}
