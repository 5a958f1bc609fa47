/** Bias correction: the average shift that quantisation causes in each channel of a layer is removed from its bias. */
import type { OnnxGraph } from "../onnx/index.ts";
import { type CalibrationFrame, type FramesOptions, openWithOutputs, runFrames } from "./calibrate.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";

/**
 * Returns the layers with biases that make the mean of each output channel, before the ReLU, equal to the float network's. Float and
 * quantised network run side by side in one graph, and each layer of the second is corrected before the next one reads it, so no shift is
 * corrected twice.
 * @param quantized `graph` with all of `layers` quantised
 */
export async function correctBiases(
  graph: OnnxGraph,
  quantized: OnnxGraph,
  layers: readonly QuantizableLayer[],
  frames: readonly CalibrationFrame[],
  options: FramesOptions = {},
): Promise<QuantizableLayer[]> {
  if (layers.length === 0) return [];
  const both = quantized.clone();
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const floatName = (name: string) => (name === "" || inputs.has(name) ? name : `float/${name}`);
  for (const [name, tensor] of graph.initializers) both.addInitializer(floatName(name), tensor);
  for (const node of graph.nodes) {
    both.addNode({
      op: node.op,
      domain: node.domain,
      name: floatName(node.name),
      inputs: node.inputs.map(floatName),
      outputs: node.outputs.map(floatName),
      attributes: Object.fromEntries(node.attributes),
    });
  }
  const shifts = layers.map(({ name, node, output }) => {
    // After conversion to a convolution, an up-sampling has its original channels only where its bytes are read back.
    const same = both.producerOf(node.outputs[0]!) !== undefined;
    const value = same ? node.outputs[0]! : `${output}/dequantize`;
    const wanted = floatName(same ? node.outputs[0]! : output);
    const readers = both.consumersOf(value);
    const difference = both.add("Sub", [wanted, value], {}, `${name}/difference`);
    const shift = both.add("GlobalAveragePool", [difference], {}, `${name}/shift`);
    const corrected = both.add("Add", [value, shift], {}, `${name}/corrected`);
    for (const reader of readers)
      reader.inputs = reader.inputs.map((input) => (input === value ? corrected : input));
    return shift;
  });
  both.sortNodes();
  // Above "basic", integer kernels would replace the nodes that are compared.
  const session = await openWithOutputs(both, shifts, { graphOptimizationLevel: "basic" });
  const biases = layers.map(({ bias }) => bias && Float64Array.from(bias));
  await runFrames(session, frames, { ...options, stage: "correcting biases" }, (outputs) => {
    for (const [layer, name] of shifts.entries()) {
      const shift = outputs[name]!.data as Float32Array;
      biases[layer] ??= new Float64Array(shift.length);
      const bias = biases[layer];
      for (let channel = 0; channel < shift.length; channel++)
        bias[channel]! += shift[channel]! / frames.length;
    }
  });
  return layers.map((layer, index) => ({ ...layer, bias: Float32Array.from(biases[index]!) }));
}
