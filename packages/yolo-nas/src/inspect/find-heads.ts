/** Finds a YOLO-NAS graph's prediction layers by following its outputs backwards. */
import type { GraphNode, OnnxGraph } from "../onnx/index.ts";
import { spatialSizes } from "./spatial-size.ts";

/** The undecoded predictions of one head. */
export interface FoundHead {
  readonly stride: number;
  readonly height: number;
  readonly width: number;
  /** Class logits, [B, classCount, height, width]. */
  readonly classes: string;
  /** Distance logits, [B, 4·(regMax+1), height, width]. */
  readonly distances: string;
}

export interface FoundHeads {
  /** By rising stride. */
  readonly heads: readonly FoundHead[];
  readonly classCount: number;
  readonly regMax: number;
}

/** The convolutions that compute a value, grouped by what happens to their output. */
export interface PredictionLayers {
  /** Their output goes through a softmax over bins, as for the distances to a box's sides. */
  readonly binned: readonly GraphNode[];
  /** All others, such as class logits, which may go through a sigmoid. */
  readonly plain: readonly GraphNode[];
}

/**
 * The prediction layers are the first convolutions met going backwards from the boxes and from the scores. The operators after them show
 * which ones they are, never their order or number of channels: distances go through a softmax, class logits do not. Boxes may depend on
 * class layers too, where candidates are chosen by score.
 * @returns undefined when the graph does not end as YOLO-NAS does
 */
export function findHeads(
  graph: OnnxGraph,
  image: { readonly name: string; readonly width: number; readonly height: number },
  boxes: string,
  scores: string,
): FoundHeads | undefined {
  const { plain: classLayers, binned: notClasses } = predictionLayers(graph, scores);
  const { binned: distanceLayers } = predictionLayers(graph, boxes);
  if (classLayers.length === 0 || classLayers.length !== distanceLayers.length || notClasses.length > 0)
    return undefined;
  const sizeOf = spatialSizes(graph, image.name, [image.height, image.width]);
  const classCount = commonChannels(graph, classLayers);
  const distanceChannels = commonChannels(graph, distanceLayers);
  if (classCount === undefined || distanceChannels === undefined) return undefined;
  const regMax = distanceChannels / 4 - 1;
  // A side with a single bin could have only one distance.
  if (!Number.isInteger(regMax) || regMax < 1) return undefined;
  const heads: FoundHead[] = [];
  for (const layer of classLayers) {
    const size = sizeOf(layer.outputs[0]!);
    const partner = distanceLayers.find((other) => String(sizeOf(other.outputs[0]!)) === String(size));
    if (!size || !partner) return undefined;
    const [height, width] = size;
    const stride = image.height / height;
    if (stride !== image.width / width) return undefined;
    heads.push({ stride, height, width, classes: layer.outputs[0]!, distances: partner.outputs[0]! });
  }
  heads.sort((a, b) => a.stride - b.stride);
  return { heads, classCount, regMax };
}

/** Convolutions that a value depends on without another convolution in between; a dependence on shapes alone does not count. */
export function predictionLayers(graph: OnnxGraph, value: string): PredictionLayers {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const binned = new Set<GraphNode>();
  const plain = new Set<GraphNode>();
  const seen = new Set<string>();
  const pending = [{ name: value, softmax: false }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = producers.get(next.name);
    const key = `${next.name} ${next.softmax}`;
    if (!node || seen.has(key) || node.op === "Shape") continue;
    seen.add(key);
    const softmax = next.softmax || node.op === "Softmax";
    if (node.op === "Conv") (softmax ? binned : plain).add(node);
    else pending.push(...node.inputs.map((name) => ({ name, softmax })));
  }
  return { binned: [...binned], plain: [...plain] };
}

function commonChannels(graph: OnnxGraph, layers: readonly GraphNode[]): number | undefined {
  const counts = new Set(layers.map((node) => weightDims(graph, node.inputs[1] ?? "")?.[0]));
  return counts.size === 1 ? [...counts][0] : undefined;
}

/** Shape of a convolution's weight, also when it is stored quantised. */
function weightDims(graph: OnnxGraph, name: string): readonly number[] | undefined {
  const constant = graph.constantOf(name);
  if (constant) return constant.dims;
  const source = graph.producerOf(name);
  return source?.op === "DequantizeLinear" || source?.op === "QuantizeLinear"
    ? weightDims(graph, source.inputs[0]!)
    : undefined;
}
