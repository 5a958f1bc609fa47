/** INT8 quantisation of a prepared model: calibrate once, choose the layers, write both encodings. */
import { InvalidArgumentError } from "../errors.ts";
import { encodeModel, type OnnxGraph } from "../onnx/index.ts";
import { AdaptiveLayers } from "./adaptive-layers.ts";
import { correctBiases } from "./bias-correction.ts";
import { type CalibrationFrame, calibrate } from "./calibrate.ts";
import { type CalibrationMethod, chooseRange } from "./calibration-range.ts";
import { equalizeChannels } from "./equalize-channels.ts";
import { measureSensitivity } from "./layer-sensitivity.ts";
import { timeLayers } from "./layer-timing.ts";
import { isProduct } from "./prediction-as-product.ts";
import {
  finalLayers,
  findLayers,
  findQuantizedInput,
  planQuantization,
  type QuantizableLayer,
} from "./quantization-plan.ts";
import type { LayerReport, QuantizationReport, ReportProgress } from "./quantization-report.ts";
import { layersWithoutGain, nextToSkip, type SkipReason, unprofitableLayers } from "./select-layers.ts";
import { shareRanges } from "./shared-ranges.ts";
import { type CalibratedTensors, fillPlanes, limitOf, type QdqEncoding, writeQdq } from "./write-qdq.ts";

export interface QuantizeOptions {
  /** Frames like those the model will see. All are used, once, in order. */
  readonly frames: readonly CalibrationFrame[];
  readonly method: CalibrationMethod;
  /** Scale channels between layers so that each uses more of its tensor's 8 bits. Default true. */
  readonly equalize?: boolean | undefined;
  /** Correct biases so that each output channel of a layer has the float network's mean. Default true. */
  readonly biasCorrection?: boolean | undefined;
  /**
   * How weights become integers: each to the nearest, or one after the other so that errors compensate each other (`roundAdaptively`).
   * Default adaptive.
   */
  readonly rounding?: "nearest" | "adaptive" | undefined;
  /** Keep the results of the prediction layers in float, between the 8-bit layers and the decoding. Default true. */
  readonly floatPredictions?: boolean | undefined;
  /** Layers to leave in float: full names, or beginnings of names. */
  readonly skipLayers?: readonly string[] | undefined;
  /** Points of box AP (of 100) that INT8 may lose; more layers stay in float until this is reached. Default 0.5. */
  readonly maxApDrop?: number | undefined;
  /** Measure each layer alone; without it only `skipLayers` and the AP limit decide. Default true. */
  readonly sensitivity?: boolean | undefined;
  /** How many of the frames are used for the per-layer measurement. Default 4. */
  readonly sensitivityFrames?: number | undefined;
  /**
   * Box AP (0…100) of an encoded model on labelled frames; `tensorrt` models must be computed exactly as written, since no CPU kernel
   * computes like TensorRT's.
   */
  readonly measureAp?: ((model: Uint8Array, encoding: "float" | QdqEncoding) => Promise<number>) | undefined;
  /** Also measure AP for every single layer; each needs a whole evaluation. Default false. */
  readonly apPerLayer?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ReportProgress | undefined;
}

export interface QuantizedModels {
  /** uint8 activations, for ONNX Runtime's CPU and CUDA providers. */
  readonly cpu: OnnxGraph;
  /** Symmetric int8, for TensorRT. */
  readonly tensorrt: OnnxGraph;
  readonly report: QuantizationReport;
}

/** Concat branches share a scale when the narrower range is at least this part of the joint one. */
const CONCAT_TOLERANCE = 0.5;
/** Channel means, peaks and moments settle over this many frames. */
const CORRECTION_FRAMES = 16;

/**
 * Quantise a prepared graph (uint8 planar input). Problems of the reference that are avoided here: exactly the given frames are
 * calibrated on (its loop runs one batch too many); frames come plain and in order (its calibration reads the shuffled, augmented
 * training loader); a bottleneck's alpha multiplies a scale, not a tensor, so the residual stays in 8 bits.
 * @throws InvalidArgumentError for a graph without quantisable layers, no frames, or a `skipLayers` that matches nothing
 *
 * @example
 * ```ts
 * const input = { width: 64, height: 32, classes: ["person"] };
 * const graph = prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input));
 * const frame = { pixels: new Uint8Array(3 * 64 * 32).fill(90), width: 64, height: 32 };
 * const how = { method: { kind: "max" }, sensitivity: false, rounding: "nearest" } as const;
 * const { cpu } = await quantizeModel(graph, { frames: [frame], ...how });
 * assert.equal(describeModel(cpu).quantized, true);
 * ```
 */
export async function quantizeModel(original: OnnxGraph, options: QuantizeOptions): Promise<QuantizedModels> {
  if (findLayers(original).length === 0) {
    throw new InvalidArgumentError(
      "The model has no convolution with constant weights: nothing to quantise.",
    );
  }
  const correctionFrames = evenly(options.frames, CORRECTION_FRAMES);
  const graph =
    options.equalize === false ? original : await equalizeChannels(original, correctionFrames, options);
  const layers = findLayers(graph);
  const skipped = askedFor(layers, options.skipLayers ?? []);
  const calibrated = await calibrateRanges(graph, layers, options);
  const floatPredictions = options.floatPredictions ?? true;
  const predictions = new Set(floatPredictions ? finalLayers(graph, layers).map(({ name }) => name) : []);
  const adaptive = options.rounding !== "nearest";
  const pixels = findQuantizedInput(graph)?.tensor;
  const forCpu = layers.map((layer) => fillPlanes(layer, pixels));
  const both = [...layers, ...forCpu.filter((layer, index) => layer !== layers[index])];
  const rounding = adaptive && (await AdaptiveLayers.measure(graph, both, correctionFrames, options));
  // TensorRT multiplies in 8 bits and returns float; ONNX Runtime's CPU kernels do that only for matrix products.
  const floatOnCpu = new Set(
    layers.filter((layer) => predictions.has(layer.name) && !isProduct(layer)).map(({ name }) => name),
  );
  const write = async (encoding: QdqEncoding) => {
    const wanted =
      encoding === "tensorrt"
        ? kept(layers, skipped)
        : kept(forCpu, skipped).filter(({ name }) => !floatOnCpu.has(name));
    const chosen = rounding ? rounding.round(wanted, limitOf(encoding)) : wanted;
    const encode = (some: readonly QuantizableLayer[]) =>
      writeQdq(graph, planQuantization(graph, some, predictions), calibrated, encoding);
    const plain = encode(chosen);
    if (options.biasCorrection === false) return plain;
    return encode(await correctBiases(graph, plain, chosen, correctionFrames, options));
  };

  const trades = await measureTrades(graph, layers, predictions, calibrated, options);
  const skip = (names: readonly string[], reason: SkipReason) => {
    for (const name of names) if (!skipped.has(name)) skipped.set(name, reason);
  };
  skip(layersWithoutGain(trades), "no speed gain");
  if (!options.measureAp) skip(unprofitableLayers(trades), "costs more accuracy than it gives speed");

  const float = await options.measureAp?.(encodeModel(original), "float");
  const bar = options.maxApDrop ?? 0.5;
  let cpu = await write("cpu");
  let tensorrt = await write("tensorrt");
  let ap: QuantizationReport["ap"];
  while (options.measureAp && float !== undefined) {
    options.signal?.throwIfAborted();
    const int8 = {
      cpu: await options.measureAp(encodeModel(cpu), "cpu"),
      tensorrt: await options.measureAp(encodeModel(tensorrt), "tensorrt"),
    };
    ap = { float, ...int8, drop: float - Math.min(int8.cpu, int8.tensorrt) };
    if (ap.drop <= bar) break;
    const next = nextToSkip(trades, new Set([...skipped.keys(), ...predictions]));
    if (next === undefined) break;
    skipped.set(next, "AP bar");
    cpu = await write("cpu");
    tensorrt = await write("tensorrt");
  }
  const byName = new Map(trades.map((trade) => [trade.name, trade]));
  return {
    cpu,
    tensorrt,
    report: {
      method: options.method,
      calibrationFrames: options.frames.length,
      maxApDrop: bar,
      ap,
      layers: layers.map((layer): LayerReport => {
        const trade = byName.get(layer.name);
        return {
          name: layer.name,
          operator: layer.node.op,
          weights: layer.weight.data.length,
          error: trade?.error,
          apDrop: trade?.apDrop,
          floatMs: trade?.floatMs,
          int8Ms: trade?.int8Ms,
          skipped: skipped.get(layer.name) ?? (floatOnCpu.has(layer.name) ? "prediction" : undefined),
        };
      }),
    },
  };
}

async function calibrateRanges(
  graph: OnnxGraph,
  layers: readonly QuantizableLayer[],
  options: QuantizeOptions,
): Promise<CalibratedTensors> {
  const plan = planQuantization(graph, layers);
  const { histograms, shapes } = await calibrate(graph, plan.tensors, options.frames, options);
  const ranges = new Map(
    [...histograms].map(([name, histogram]) => [name, chooseRange(histogram, options.method)]),
  );
  const pixels = findQuantizedInput(graph);
  if (pixels) ranges.set(pixels.tensor, { low: 0, high: 255 * pixels.scale });
  const fixed = new Set(pixels ? [pixels.tensor] : []);
  return { ranges: shareRanges(plan, ranges, CONCAT_TOLERANCE, fixed), shapes };
}

/** Quantise and DequantizeLinear pass about two elements a nanosecond on two cores. */
const MS_PER_CONVERTED_ELEMENT = 0.5e-6;

function size(calibrated: CalibratedTensors, tensor: string): number {
  return calibrated.shapes.get(tensor)?.reduce((product, dim) => product * dim, 1) ?? 0;
}

interface MeasuredTrade {
  readonly name: string;
  readonly error: number;
  readonly gainMs: number | undefined;
  readonly apDrop: number | undefined;
  readonly floatMs: number | undefined;
  readonly int8Ms: number | undefined;
}

async function measureTrades(
  graph: OnnxGraph,
  layers: readonly QuantizableLayer[],
  floatOutputs: ReadonlySet<string>,
  calibrated: CalibratedTensors,
  options: QuantizeOptions,
): Promise<MeasuredTrade[]> {
  if (options.sensitivity === false) return [];
  const frames = evenly(options.frames, options.sensitivityFrames ?? 4);
  const all = writeQdq(graph, planQuantization(graph, layers, floatOutputs), calibrated, "cpu");
  const [float, int8] = await timeLayers([encodeModel(graph), encodeModel(all)], layers, frames);
  const sensitivities = await measureSensitivity(graph, layers, calibrated, {
    frames,
    floatOutputs,
    measureAp: options.apPerLayer ? options.measureAp : undefined,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  return sensitivities.map(({ name, error, apDrop }, index) => {
    const floatMs = float.get(name);
    const int8Ms = int8.get(name);
    const { input, output } = layers[index]!;
    // A float layer between INT8 neighbours would also have to convert its input and output.
    const conversionMs = MS_PER_CONVERTED_ELEMENT * (size(calibrated, input) + size(calibrated, output));
    const gainMs =
      floatMs === undefined || int8Ms === undefined ? undefined : floatMs + conversionMs - int8Ms;
    return { name, error, apDrop, floatMs, int8Ms, gainMs };
  });
}

function askedFor(layers: readonly QuantizableLayer[], prefixes: readonly string[]): Map<string, SkipReason> {
  const skipped = new Map<string, SkipReason>();
  for (const prefix of prefixes) {
    const matches = layers.filter(({ name }) => name.startsWith(prefix));
    if (matches.length === 0) {
      const known = layers.map(({ name }) => name).join(", ");
      throw new InvalidArgumentError(`No layer's name begins with "${prefix}". The layers are: ${known}.`);
    }
    for (const { name } of matches) skipped.set(name, "asked");
  }
  return skipped;
}

function kept(layers: readonly QuantizableLayer[], skipped: ReadonlyMap<string, SkipReason>) {
  return layers.filter(({ name }) => !skipped.has(name));
}

/**
 * `count` of the items, spread over all of them, in order.
 *
 * @example
 * ```ts
 * assert.deepEqual(evenly([0, 1, 2, 3, 4, 5], 2), [1, 4]);
 * ```
 */
export function evenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]!);
}
