/** Cross-layer equalisation: the channels of a tensor are scaled so that they use their common 8-bit range equally. */
import { type OnnxGraph, toFloat32 } from "../onnx/index.ts";
import { type CalibrationFrame, openWithOutputs, runFrames } from "./calibrate.ts";
import { findLayers, type QuantizableLayer } from "./quantization-plan.ts";

/** A tensor that one layer writes and only layers read, so that a channel's scale can be moved from the writer to the readers. */
interface Link {
  readonly tensor: string;
  readonly writer: QuantizableLayer;
  readonly readers: readonly QuantizableLayer[];
}

/**
 * An equivalent graph in which each channel between two layers is divided by a scale, which is multiplied into the layers after it (M.
 * Nagel et al., "Data-free quantization", 2019; ranges are measured here, not assumed). A positive scale passes through a ReLU.
 */
export async function equalizeChannels(
  graph: OnnxGraph,
  frames: readonly CalibrationFrame[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<OnnxGraph> {
  if (frames.length === 0) return graph;
  const links = findLinks(graph);
  // For example in networks with SiLU, through which a scale does not pass.
  if (links.length === 0) return graph;
  const peaks = await channelPeaks(
    graph,
    links.map(({ tensor }) => tensor),
    frames,
    options.signal,
  );
  const equal = graph.clone();
  const constants = new Map<string, Float32Array>();
  const values = (name: string) => {
    const known = constants.get(name) ?? toFloat32(graph.constantOf(name)!).slice();
    constants.set(name, known);
    return known;
  };
  for (const [index, { writer, readers }] of links.entries()) {
    const peak = peaks[index]!;
    const columns = new Float64Array(peak.length);
    for (const reader of readers)
      eachInput(reader, values(reader.node.inputs[1]!), (channel, weights, i) => {
        columns[channel] = Math.max(columns[channel]!, Math.abs(weights[i]!));
      });
    const scales = balance(peak, columns);
    eachOutput(writer, values(writer.node.inputs[1]!), (channel, weights, i) => {
      weights[i]! /= scales[channel]!;
    });
    if (writer.node.inputs[2]) {
      const bias = values(writer.node.inputs[2]);
      for (let channel = 0; channel < bias.length; channel++) bias[channel]! /= scales[channel]!;
    }
    for (const reader of readers)
      eachInput(reader, values(reader.node.inputs[1]!), (channel, weights, i) => {
        weights[i]! *= scales[channel]!;
      });
  }
  for (const [name, data] of constants) {
    const fresh = equal.uniqueName(`${name}/equalized`);
    equal.addInitializer(fresh, { type: "float32", dims: graph.constantOf(name)!.dims, data });
    equal.replaceUses(name, fresh);
  }
  equal.removeDeadNodes();
  return equal;
}

function findLinks(graph: OnnxGraph): Link[] {
  const layers = findLayers(graph);
  const uses = (name: string) => graph.consumersOf(name).length;
  return layers.flatMap((writer) => {
    const readers = layers.filter(({ input }) => input === writer.output);
    const all = graph.consumersOf(writer.output);
    const own = [writer, ...readers].every(
      ({ node }) => uses(node.inputs[1]!) === 1 && (!node.inputs[2] || uses(node.inputs[2]) === 1),
    );
    const grouped = [writer, ...readers].some(({ node }) => {
      const group = node.attributes.get("group");
      return group?.kind === "int" && group.value !== 1;
    });
    if (all.length === 0 || all.length !== readers.length || graph.isOutput(writer.output) || !own || grouped)
      return [];
    return [{ tensor: writer.output, writer, readers }];
  });
}

/** Scales with a mean of about 1 that bring peaks and columns together; 1 for a channel that is never used. */
function balance(peaks: Float64Array, columns: Float64Array): Float64Array {
  const raw = peaks.map((peak, i) => (peak > 0 && columns[i]! > 0 ? Math.sqrt(peak / columns[i]!) : 0));
  const used = raw.filter((value) => value > 0);
  const middle = Math.exp(used.reduce((sum, value) => sum + Math.log(value), 0) / Math.max(1, used.length));
  return raw.map((value) => (value > 0 ? Math.min(16, Math.max(1 / 16, value / middle)) : 1));
}

async function channelPeaks(
  graph: OnnxGraph,
  tensors: readonly string[],
  frames: readonly CalibrationFrame[],
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const copy = graph.clone();
  const pools = tensors.map((name) =>
    copy.add("GlobalMaxPool", [copy.add("Abs", [name], {}, `${name}/abs`)], {}, `${name}/peak`),
  );
  const session = await openWithOutputs(copy, pools);
  const peaks: Float64Array[] = [];
  await runFrames(session, frames, { signal }, (outputs) => {
    for (const [index, name] of pools.entries()) {
      const seen = outputs[name]!.data as Float32Array;
      peaks[index] ??= new Float64Array(seen.length);
      const peak = peaks[index];
      for (let i = 0; i < seen.length; i++) peak[i] = Math.max(peak[i]!, seen[i]!);
    }
  });
  return peaks;
}

type Visit = (channel: number, weights: Float32Array, index: number) => void;

function eachOutput(layer: QuantizableLayer, weights: Float32Array, visit: Visit): void {
  visitAxis(layer, weights, layer.node.op === "ConvTranspose" ? 1 : 0, visit);
}

function eachInput(layer: QuantizableLayer, weights: Float32Array, visit: Visit): void {
  visitAxis(layer, weights, layer.node.op === "ConvTranspose" ? 0 : 1, visit);
}

function visitAxis(
  { weight: { dims } }: QuantizableLayer,
  weights: Float32Array,
  axis: 0 | 1,
  visit: Visit,
): void {
  const [first, second] = dims as [number, number];
  const inner = weights.length / (first * second);
  for (let i = 0; i < weights.length; i++) {
    const block = Math.floor(i / inner);
    visit(axis === 0 ? Math.floor(block / second) : block % second, weights, i);
  }
}
