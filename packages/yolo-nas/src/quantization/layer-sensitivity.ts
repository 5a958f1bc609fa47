import { encodeModel, type OnnxGraph } from "../onnx/index.ts";
import { type CalibrationFrame, openWithOutputs, runFrames } from "./calibrate.ts";
import { finalLayers, planQuantization, type QuantizableLayer } from "./quantization-plan.ts";
import type { ReportProgress } from "./quantization-report.ts";
import { type CalibratedTensors, type QdqEncoding, writeQdq } from "./write-qdq.ts";

/** What quantising one layer alone does to the network's outputs. */
export interface LayerSensitivity {
  readonly name: string;
  /** Noise energy over signal energy at the prediction layers, mean over them; 0 is no error. */
  readonly error: number;
  /** Box AP lost on the labelled frames, in points of 100; undefined without labels. */
  readonly apDrop: number | undefined;
}

export interface SensitivityOptions {
  readonly frames: readonly CalibrationFrame[];
  /** Box AP (0…100) of an encoded model; absent without labels. */
  readonly measureAp?: ((model: Uint8Array, encoding: "float" | QdqEncoding) => Promise<number>) | undefined;
  /** Layers whose results are not quantised. */
  readonly floatOutputs?: ReadonlySet<string> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ReportProgress | undefined;
}

/**
 * Quantise each layer alone, as the CPU file would (its input, weights, bias and output), and compare the prediction
 * layers' outputs with the float graph's on the same frames.
 */
export async function measureSensitivity(
  graph: OnnxGraph,
  layers: readonly QuantizableLayer[],
  calibrated: CalibratedTensors,
  options: SensitivityOptions,
): Promise<LayerSensitivity[]> {
  const heads = finalLayers(graph, layers).map(({ output }) => output);
  const reference = await runAll(graph, heads, options.frames);
  const floatAp = await options.measureAp?.(encodeModel(graph), "float");
  const results: LayerSensitivity[] = [];
  for (const layer of layers) {
    options.signal?.throwIfAborted();
    const only = writeQdq(graph, planQuantization(graph, [layer], options.floatOutputs), calibrated, "cpu");
    const quantized = await runAll(
      only,
      heads.map((name) => readBack(only, name)),
      options.frames,
    );
    const ap = await options.measureAp?.(encodeModel(only), "cpu");
    results.push({
      name: layer.name,
      error: noiseToSignal(reference, quantized),
      apDrop: ap === undefined || floatAp === undefined ? undefined : floatAp - ap,
    });
    options.onProgress?.({ stage: "measuring layers", done: results.length, total: layers.length });
  }
  return results;
}

/** Readers of a quantised tensor see the value after its quantiser, so that value must be compared. */
function readBack(graph: OnnxGraph, name: string): string {
  const real = `${name}/dequantize`;
  return graph.producerOf(real) ? real : name;
}

async function runAll(
  graph: OnnxGraph,
  tensors: readonly string[],
  frames: readonly CalibrationFrame[],
): Promise<Float32Array[][]> {
  const session = await openWithOutputs(graph, tensors);
  const results: Float32Array[][] = [];
  await runFrames(session, frames, {}, (outputs) => {
    results.push(tensors.map((name) => outputs[name]!.data as Float32Array));
  });
  return results;
}

function noiseToSignal(reference: readonly Float32Array[][], other: readonly Float32Array[][]): number {
  const heads = reference[0]?.length ?? 0;
  let sum = 0;
  for (let head = 0; head < heads; head++) {
    let noise = 0;
    let signal = 0;
    for (const [frame, tensors] of reference.entries()) {
      const wanted = tensors[head]!;
      const got = other[frame]![head]!;
      for (let i = 0; i < wanted.length; i++) {
        noise += (wanted[i]! - got[i]!) ** 2;
        signal += wanted[i]! ** 2;
      }
    }
    sum += signal > 0 ? noise / signal : 0;
  }
  return heads > 0 ? sum / heads : 0;
}
