/** YOLO-NAS as an ONNX graph in super-gradients' raw export form, with every block fused to one convolution. */
import { InvalidArgumentError } from "../errors.ts";
import { OnnxGraph } from "../onnx/index.ts";
import type { LayerWeights } from "../weights/kernel.ts";
import { type ArchitectureSpec, SIZE_MULTIPLE } from "./architectures.ts";
import { GraphVisitor } from "./graph-visitor.ts";
import { visitNetwork } from "./network.ts";
import { appendRawDecoding } from "./raw-decoding.ts";

export interface BuildOptions {
  /** Input size in pixels, each side a multiple of 32. */
  readonly width: number;
  readonly height: number;
  readonly classes: readonly string[];
}

/**
 * Build a model: input `images` float32 [N, 3, H, W] (RGB in 0..1, N free), outputs `boxes` float32 [N, A, 4]
 * (x1, y1, x2, y2 in input pixels) and `scores` float32 [N, A, C]. Class names go into the metadata.
 * @throws InvalidArgumentError for a size that is not a multiple of 32, or no classes
 * @throws WeightsError when `weights` does not fit the architecture
 *
 * @example
 * ```ts
 * const weights = await readSafetensors("models/yolo-nas-pedestrians/yolo-nas-pedestrians.safetensors");
 * const input = { width: 512, height: 384, classes: ["person"] };
 * const graph = buildModel(architecture("yolo_nas_xs"), new StateDictWeights(weights), input);
 * assert.deepEqual(graph.inputs[0]?.shape, ["N", 3, 384, 512]);
 * ```
 */
export function buildModel(arch: ArchitectureSpec, weights: LayerWeights, options: BuildOptions): OnnxGraph {
  const { width, height, classes } = options;
  checkInputSize(width, height);
  if (classes.length === 0) throw new InvalidArgumentError("A model needs at least one class.");
  const graph = new OnnxGraph();
  graph.name = arch.name;
  graph.inputs = [{ name: "images", type: "float32", shape: ["N", 3, height, width] }];
  const image = { name: "images", segments: [{ channels: 3, scale: 1 }], height, width };
  const heads = visitNetwork(arch, classes.length, image, new GraphVisitor(graph, weights));
  const outputs = heads.map(({ stride, classes: logits, distances }) => ({
    stride,
    height: logits.height,
    width: logits.width,
    classes: logits.name,
    distances: distances.name,
  }));
  appendRawDecoding(graph, outputs, classes.length, arch.regMax);
  graph.metadata.set("architecture", arch.name);
  graph.metadata.set("classes", JSON.stringify(classes));
  return graph;
}

/** @throws InvalidArgumentError when a side is not a positive multiple of 32 */
function checkInputSize(width: number, height: number): void {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < SIZE_MULTIPLE || side % SIZE_MULTIPLE !== 0) {
      throw new InvalidArgumentError(
        `Input size ${width}x${height}: both sides must be multiples of ${SIZE_MULTIPLE} pixels.`,
      );
    }
  }
}
