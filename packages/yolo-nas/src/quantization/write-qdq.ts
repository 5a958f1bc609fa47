/** The explicit-QDQ forms of a float graph: the same calibration, encoded for two runtimes. */
import { InvalidArgumentError } from "../errors.ts";
import { attr, float32, type GraphNode, int64, type OnnxGraph, toFloat32 } from "../onnx/index.ts";
import type { Range } from "./calibration-range.ts";
import { type QuantizedConstant, quantizeConstants } from "./layer-constants.ts";
import { isProduct, placesAsRows, rowsAsPlaces } from "./prediction-as-product.ts";
import {
  findQuantizedInput,
  type QuantizableLayer,
  type QuantizationPlan,
  type QuantizedInput,
  type QuantizedOperand,
} from "./quantization-plan.ts";
import { shufflePhases } from "./upsample-as-convolution.ts";
import {
  type Encoding,
  symmetricEncoding,
  unsignedEncoding,
  type WeightLimit,
} from "./weight-quantization.ts";

/**
 * `cpu`: uint8 activations, zero-point 0 wherever a tensor is never negative, int32 bias, pixels read directly; for ONNX Runtime's CPU
 * and CUDA providers. `tensorrt`: symmetric int8 and zero-point 0 throughout, float bias.
 */
export type QdqEncoding = "cpu" | "tensorrt";

/** TensorRT multiplies without 16-bit sums. */
export function limitOf(encoding: QdqEncoding): WeightLimit {
  return encoding === "cpu" ? "pairs" : "full";
}

/** What the writer needs to know about every tensor of the plan. */
export interface CalibratedTensors {
  readonly ranges: ReadonlyMap<string, Range>;
  /** Shapes seen in calibration, batch first. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Write Quantize/Dequantize pairs for a plan into a copy of the graph.
 * @throws InvalidArgumentError when a tensor of the plan was not calibrated, or the graph's opset is below 13
 */
export function writeQdq(
  graph: OnnxGraph,
  plan: QuantizationPlan,
  calibrated: CalibratedTensors,
  encoding: QdqEncoding,
  limit: WeightLimit = limitOf(encoding),
): OnnxGraph {
  const opset = graph.opsets.get("") ?? 0;
  if (opset < 13) {
    throw new InvalidArgumentError(`Quantisation needs ONNX opset 13 or newer; this model has ${opset}.`);
  }
  return new QdqWriter(graph.clone(), calibrated, encoding, limit).write(plan);
}

class QdqWriter {
  private readonly graph: OnnxGraph;
  private readonly calibrated: CalibratedTensors;
  private readonly encoding: QdqEncoding;
  private readonly limit: WeightLimit;
  /** Pixels that are read directly. */
  private readonly pixels: QuantizedInput | undefined;
  private readonly encodings = new Map<string, Encoding>();
  /** The 8-bit value of each quantised tensor. */
  private readonly integers = new Map<string, string>();

  constructor(graph: OnnxGraph, calibrated: CalibratedTensors, encoding: QdqEncoding, limit: WeightLimit) {
    this.limit = limit;
    this.graph = graph;
    this.calibrated = calibrated;
    this.encoding = encoding;
    this.pixels = encoding === "cpu" ? findQuantizedInput(graph) : undefined;
  }

  write(plan: QuantizationPlan): OnnxGraph {
    const { graph } = this;
    // A residual's operand is read at another scale, so it must be handled before its reader is changed.
    const residuals = plan.passages.filter(({ operands }) => operands.some(({ factor }) => factor !== 1));
    const operandsOf = new Map(residuals.map(({ node, operands }) => [node.name, operands]));
    for (const tensor of plan.tensors) this.quantizeTensor(tensor);
    for (const node of graph.nodes) {
      for (const [index, operand] of (operandsOf.get(node.name) ?? []).entries()) {
        if (operand.factor !== 1) node.inputs[index] = this.scaledOperand(operand, node.name, index);
      }
    }
    for (const layer of plan.layers) this.quantizeLayer(layer);
    graph.removeDeadNodes();
    graph.sortNodes();
    return graph;
  }

  /** Quantise a tensor once and make all its readers read it back from 8 bits. */
  private quantizeTensor(tensor: string): void {
    const { graph, pixels: input } = this;
    const isInput = input?.tensor === tensor;
    const encoding: Encoding = isInput
      ? { scale: Math.fround(input.scale), zeroPoint: 0, type: "uint8" }
      : this.encode(tensor);
    this.encodings.set(tensor, encoding);
    const parameters = this.parameters(tensor, encoding);
    const readers = graph.consumersOf(tensor);
    const integer = isInput
      ? input.pixels
      : graph.add("QuantizeLinear", [tensor, ...parameters], {}, `${tensor}/quantize`);
    const real = graph.add("DequantizeLinear", [integer, ...parameters], {}, `${tensor}/dequantize`);
    this.integers.set(tensor, integer);
    for (const reader of readers) {
      reader.inputs = reader.inputs.map((name) => (name === tensor ? real : name));
    }
  }

  private scaledOperand({ tensor, factor }: QuantizedOperand, reader: string, index: number): string {
    const encoding = this.encodings.get(tensor)!;
    const name = `${reader}/operand_${index}`;
    const parameters = this.parameters(name, { ...encoding, scale: Math.fround(encoding.scale * factor) });
    return this.graph.add(
      "DequantizeLinear",
      [this.integers.get(tensor)!, ...parameters],
      {},
      `${name}/dequantize`,
    );
  }

  private quantizeLayer(given: QuantizableLayer): void {
    const node = this.graph.nodes.find((other) => other.name === given.name)!;
    const cpu = this.encoding === "cpu";
    const layer = fillPlanes(given, this.pixels?.tensor);
    const asConvolution = cpu && layer.node.op === "ConvTranspose";
    const inputScale = this.encodings.get(layer.input)!.scale;
    const { weight, bias } = quantizeConstants(layer, inputScale, {
      integerBias: cpu,
      asConvolution,
      limit: this.limit,
    });
    const asProduct = cpu && !this.integers.has(layer.output) && isProduct(layer);
    const input = asProduct ? this.rowsOf(layer) : this.withAllPlanes(node.inputs[0]!, layer);
    // A matrix has two dimensions, where a 1×1 convolution's weights have four.
    const { values } = weight;
    const kernel = asProduct ? { ...weight, values: { ...values, dims: values.dims.slice(0, 2) } } : weight;
    const inputs = [input, this.constantQdq(`${layer.name}/weight`, kernel)];
    if (bias) inputs.push(this.constantQdq(`${layer.name}/bias`, bias));
    else if (layer.bias)
      inputs.push(
        this.graph.addInitializer(`${layer.name}/bias/float`, float32([layer.bias.length], layer.bias)),
      );
    if (asConvolution) this.replaceUpsample(node.name, inputs, weight.values.dims[0]! / 4, layer);
    else if (asProduct) this.replacePrediction(node, inputs, layer);
    else node.inputs = inputs;
  }

  /** A layer's input, with as many planes as its weights have. */
  private withAllPlanes(input: string, layer: QuantizableLayer): string {
    const planes = this.calibrated.shapes.get(layer.input)?.[1];
    const missing = layer.weight.dims[1]! - (planes ?? Number.POSITIVE_INFINITY);
    if (layer.input !== this.pixels?.tensor || missing <= 0) return input;
    const picture = addPlanes(this.graph, this.pixels.pixels, missing, `${layer.name}/planes`);
    return this.readBack(picture, layer.input, `${layer.name}/planes`);
  }

  private rowsOf(layer: QuantizableLayer): string {
    const channels = layer.weight.dims[1]!;
    const rows = placesAsRows(this.graph, this.integers.get(layer.input)!, channels, layer.name);
    return this.readBack(rows, layer.input, `${layer.name}/rows`);
  }

  /** Bytes of a tensor that were moved or joined, converted to real values. */
  private readBack(bytes: string, tensor: string, name: string): string {
    const parameters = [`${tensor}/scale`, `${tensor}/zero_point`];
    return this.graph.add("DequantizeLinear", [bytes, ...parameters], {}, `${name}/dequantize`);
  }

  /** Conv whose result stays in float → product of matrices. */
  private replacePrediction(node: GraphNode, inputs: string[], layer: QuantizableLayer): void {
    const { graph } = this;
    const [, , height, width] = this.calibrated.shapes.get(layer.input)!;
    graph.removeNode(node);
    const rows = `${layer.name}/product`;
    graph.addNode({
      op: "Gemm",
      inputs,
      outputs: [rows],
      name: layer.name,
      attributes: { transB: attr.int(1) },
    });
    const size = [layer.weight.dims[0]!, height!, width!] as const;
    rowsAsPlaces(graph, rows, size, layer.name, node.outputs[0]!);
  }

  /** ConvTranspose → 1×1 convolution whose phases are quantised first and shuffled as bytes. */
  private replaceUpsample(name: string, inputs: string[], channels: number, layer: QuantizableLayer): void {
    const { graph } = this;
    const shape = this.calibrated.shapes.get(layer.input)!;
    const old = graph.nodes.find((other) => other.name === name)!;
    const integer = this.integers.get(layer.output)!;
    const quantizer = graph.producerOf(integer)!;
    graph.removeNode(old);
    graph.removeNode(quantizer);
    // Not the old output's name: other shapes may be recorded under it.
    const phases = `${name}/phases`;
    graph.addNode({
      op: "Conv",
      inputs,
      outputs: [phases],
      name,
      attributes: { kernel_shape: attr.ints([1, 1]) },
    });
    const activated =
      old.outputs[0] === layer.output ? phases : graph.add("Relu", [phases], {}, `${name}/relu`);
    const bytes = graph.add(
      "QuantizeLinear",
      [activated, ...quantizer.inputs.slice(1)],
      {},
      `${name}/phases_quantize`,
    );
    const size = [shape[2]!, shape[3]!] as const;
    shufflePhases(graph, bytes, channels, size, `${name}/shuffle`, integer);
  }

  private encode(tensor: string): Encoding {
    const range = this.calibrated.ranges.get(tensor);
    if (!range) throw new InvalidArgumentError(`Tensor "${tensor}" was not calibrated.`);
    return this.encoding === "cpu" ? unsignedEncoding(range) : symmetricEncoding(range);
  }

  private parameters(name: string, { scale, zeroPoint, type }: Encoding): [string, string] {
    const data = type === "uint8" ? Uint8Array.of(zeroPoint) : Int8Array.of(zeroPoint);
    return [
      this.graph.addInitializer(`${name}/scale`, float32([], [scale])),
      this.graph.addInitializer(`${name}/zero_point`, { type, dims: [], data }),
    ];
  }

  private constantQdq(name: string, { values, scales, axis }: QuantizedConstant): string {
    const { graph } = this;
    const zeros = { int8: new Int8Array(scales.length), int32: new Int32Array(scales.length) };
    const type = values.type as "int8" | "int32";
    const inputs = [
      graph.addInitializer(`${name}/quantized`, values),
      graph.addInitializer(`${name}/scale`, float32([scales.length], scales)),
      graph.addInitializer(`${name}/zero_point`, { type, dims: [scales.length], data: zeros[type] }),
    ];
    return graph.add("DequantizeLinear", inputs, { axis: attr.int(axis) }, `${name}/dequantize`);
  }
}

/**
 * ONNX Runtime's direct integer convolutions read input channels in fours. With any other number it copies every patch first, which
 * doubles the time of the first convolution on three planes of pixels.
 */
const CHANNELS_AT_ONCE = 4;

/**
 * A layer that reads pixels gets zero weights for the planes that {@link addPlanes} adds; any other layer, and one that already has them,
 * is returned unchanged. Its results stay exactly the same.
 * @param pixels the tensor of scaled pixels
 */
export function fillPlanes(layer: QuantizableLayer, pixels: string | undefined): QuantizableLayer {
  const { dims } = layer.weight;
  const group = layer.node.attributes.get("group");
  const plain = layer.node.op === "Conv" && (group?.kind !== "int" || group.value === 1);
  if (layer.input !== pixels || !plain || dims.length !== 4) return layer;
  const [outputs, planes, height, width] = dims as [number, number, number, number];
  const all = CHANNELS_AT_ONCE * Math.ceil(planes / CHANNELS_AT_ONCE);
  if (all === planes) return layer;
  const taps = height * width;
  const source = toFloat32(layer.weight);
  const data = new Float32Array(outputs * all * taps);
  for (let o = 0; o < outputs; o++)
    data.set(source.subarray(o * planes * taps, (o + 1) * planes * taps), o * all * taps);
  return { ...layer, weight: { type: "float32", dims: [outputs, all, height, width], data } };
}

/** Add `count` planes of zeros after those of an 8-bit picture [N, C, H, W]. @returns the new picture's name */
function addPlanes(graph: OnnxGraph, picture: string, count: number, name: string): string {
  const pads = graph.addInitializer(`${name}/pads`, int64([8], [0, 0, 0, 0, 0, count, 0, 0]));
  return graph.add("Pad", [picture, pads], { mode: attr.string("constant") }, name);
}
