import { type OnnxGraph, toFloat32 } from "../onnx/index.ts";
import { type RoundingGuide, roundAdaptively, roundingGuide } from "./adaptive-rounding.ts";
import type { CalibrationFrame } from "./calibrate.ts";
import { measureInputMoments, momentsKey } from "./input-moments.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";
import type { ReportProgress } from "./quantization-report.ts";
import type { QuantizedWeights, WeightLimit } from "./weight-quantization.ts";

interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ReportProgress | undefined;
}

/** Rounds the weights of a graph's layers according to the layers' inputs on some frames; each layer once per limit. */
export class AdaptiveLayers {
  private readonly guides: ReadonlyMap<string, RoundingGuide>;
  private readonly options: Options;
  private readonly known = new Map<string, QuantizedWeights>();

  private constructor(guides: ReadonlyMap<string, RoundingGuide>, options: Options) {
    this.guides = guides;
    this.options = options;
  }

  static async measure(
    graph: OnnxGraph,
    layers: readonly QuantizableLayer[],
    frames: readonly CalibrationFrame[],
    options: Options,
  ): Promise<AdaptiveLayers> {
    const moments = await measureInputMoments(graph, layers, frames, options);
    const guides = [...moments].map(([key, inputs]) => [key, roundingGuide(inputs)] as const);
    return new AdaptiveLayers(new Map(guides), options);
  }

  /** The layers with their weights in 8 bits; layers without measured inputs are returned unchanged. */
  round(layers: readonly QuantizableLayer[], limit: WeightLimit): QuantizableLayer[] {
    return layers.map((layer, index) => {
      this.options.signal?.throwIfAborted();
      this.options.onProgress?.({ stage: "rounding weights", done: index + 1, total: layers.length });
      const guide = this.guides.get(momentsKey(layer));
      return guide ? { ...layer, rounded: this.rounded(layer, guide, limit) } : layer;
    });
  }

  private rounded(layer: QuantizableLayer, guide: RoundingGuide, limit: WeightLimit): QuantizedWeights {
    const key = `${limit} ${momentsKey(layer)}`;
    const { dims } = layer.weight;
    const shape = { channels: dims[0]!, taps: dims.slice(2).reduce((product, dim) => product * dim, 1) };
    const rounded = this.known.get(key) ?? roundAdaptively(toFloat32(layer.weight), shape, guide, limit);
    this.known.set(key, rounded);
    return rounded;
  }
}
