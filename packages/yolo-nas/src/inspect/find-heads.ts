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

/**
 * The prediction layers are the first convolutions met going backwards from the boxes and from the scores. Candidates
 * may have been chosen by score on the way, so that boxes depend on the class layers too; those are told apart by the
 * scores depending on them.
 * @returns undefined when the graph does not end as YOLO-NAS does
 */
export function findHeads(
  graph: OnnxGraph,
  image: { readonly name: string; readonly width: number; readonly height: number },
  boxes: string,
  scores: string,
): FoundHeads | undefined {
  const classLayers = firstConvolutions(graph, scores);
  const distanceLayers = firstConvolutions(graph, boxes).filter((node) => !classLayers.includes(node));
  if (classLayers.length === 0 || classLayers.length !== distanceLayers.length) return undefined;
  const sizeOf = spatialSizes(graph, image.name, [image.height, image.width]);
  const classCount = commonChannels(graph, classLayers);
  const distanceChannels = commonChannels(graph, distanceLayers);
  if (classCount === undefined || distanceChannels === undefined || distanceChannels % 4 !== 0)
    return undefined;
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
  return { heads, classCount, regMax: distanceChannels / 4 - 1 };
}

/** Convolutions that a value depends on without another convolution between; shapes alone are no dependence. */
function firstConvolutions(graph: OnnxGraph, value: string): GraphNode[] {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Set<GraphNode>();
  const seen = new Set<GraphNode>();
  const pending = [value];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = producers.get(name);
    if (!node || seen.has(node) || node.op === "Shape") continue;
    seen.add(node);
    if (node.op === "Conv") found.add(node);
    else pending.push(...node.inputs);
  }
  return [...found];
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
