/** An alternative start for a prepared graph: input with half the bytes, from which the graph itself computes the planes G, B, R. */
import { InvalidArgumentError } from "../errors.ts";
import { attr, elementTypeCode, float32, type GraphNode, int64, type OnnxGraph } from "../onnx/index.ts";
import { PREPARED_FRAMES, PREPARED_KEY, preparedMetadata } from "./prepared-form.ts";

/** BT.601 in its limited range: the contributions of U and V to G, B and R, and the size of a luma step. */
const LUMA = 255 / 219;
const CHROMA: readonly (readonly [u: number, v: number])[] = [
  [(-1.772 * 0.114) / 0.587, (-1.402 * 0.299) / 0.587],
  [1.772, 0],
  [0, 1.402],
].map(([u, v]) => [(u! * 255) / 224, (v! * 255) / 224]);

/**
 * The same model with frames as I420: `frames` is uint8 [N, 1, 3·H/2, W], the rows of luma and then, with half the sides, the planes of U and V. The
 * network gets exactly the values of a frame that was converted before: rounded, and between 0 and 255.
 *
 * Bytes become floats first, since TensorRT takes no other operation on bytes; chroma is converted to colour before it is enlarged, while it is
 * small.
 * @throws InvalidArgumentError when sides are odd, or the model reads I420 already
 *
 * @example
 * ```ts
 * const graph = i420Input(await loadModel("models/yolo-nas-pedestrians/fp32.onnx"));
 * assert.deepEqual(graph.inputs[0]?.shape?.slice(1), [1, (384 * 3) / 2, 512]);
 * ```
 */
export function i420Input(source: OnnxGraph): OnnxGraph {
  const metadata = preparedMetadata(source.metadata);
  const { width, height } = metadata.frame;
  if (metadata.pixelFormat !== "gbrp") throw new InvalidArgumentError("The model reads I420 already.");
  if (width % 2 !== 0 || height % 2 !== 0)
    throw new InvalidArgumentError(`Frames of ${width}x${height} cannot be I420, whose sides are even.`);
  const graph = source.clone();
  const batch = graph.inputs[0]!.shape![0]!;
  const readers = graph.consumersOf(PREPARED_FRAMES);
  graph.inputs = [{ name: PREPARED_FRAMES, type: "uint8", shape: [batch, 1, (height * 3) / 2, width] }];
  const parts = new I420Parts(graph);
  const bytes = parts.add("Cast", [PREPARED_FRAMES], "float", { to: attr.int(elementTypeCode("float32")) });
  const luma = parts.rows(bytes, "luma", 0, height);
  const chroma = parts.add(
    "Reshape",
    [
      parts.rows(bytes, "chroma", height, (height * 3) / 2),
      parts.integers("halves", [0, 2, height / 2, width / 2]),
    ],
    "planes",
  );
  const offsets = CHROMA.map(([u, v]) => -16 * LUMA - 128 * (u + v));
  const colour = parts.add(
    "Conv",
    [
      chroma,
      parts.floats("colour_of_chroma", [3, 2, 1, 1], CHROMA.flat()),
      parts.floats("offsets", [3], offsets),
    ],
    "colour",
  );
  const doubled = parts.add("Resize", [colour, "", parts.floats("double", [4], [1, 1, 2, 2])], "doubled", {
    // With repeated pixels instead, boxes would differ more from those with full chroma.
    mode: attr.string("linear"),
    coordinate_transformation_mode: attr.string("half_pixel"),
  });
  const scaled = parts.add("Mul", [luma, parts.floats("luma_step", [], [LUMA])], "scaled_luma");
  const sum = parts.add("Add", [doubled, scaled], "sum");
  const limits = [parts.floats("least", [], [0]), parts.floats("most", [], [255])];
  const rounded = parts.add("Round", [parts.add("Clip", [sum, ...limits], "clipped")], "rounded");
  readAs(parts, readers, rounded);
  graph.removeDeadNodes();
  graph.sortNodes();
  graph.metadata.set(PREPARED_KEY, JSON.stringify({ ...metadata, pixelFormat: "i420" }));
  return graph;
}

/** Readers that convert the bytes to floats are removed; other readers get bytes again. */
function readAs(parts: I420Parts, readers: readonly GraphNode[], pixels: string): void {
  const { graph } = parts;
  let bytes: string | undefined;
  for (const reader of readers)
    if (isCastToFloat(reader)) graph.replaceUses(reader.outputs[0]!, pixels);
    else {
      bytes ??= parts.add("Cast", [pixels], "bytes", { to: attr.int(elementTypeCode("uint8")) });
      reader.inputs = reader.inputs.map((input) => (input === PREPARED_FRAMES ? bytes! : input));
    }
}

function isCastToFloat({ op, attributes }: GraphNode): boolean {
  const to = attributes.get("to");
  return op === "Cast" && to?.kind === "int" && to.value === elementTypeCode("float32");
}

/** Adds nodes and constants under names of their own. */
class I420Parts {
  readonly graph: OnnxGraph;

  constructor(graph: OnnxGraph) {
    this.graph = graph;
  }

  add(op: string, inputs: string[], name: string, attributes: Parameters<OnnxGraph["add"]>[2] = {}): string {
    return this.graph.add(op, inputs, attributes, this.graph.uniqueName(`frames.i420.${name}`));
  }

  floats(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.graph.addInitializer(this.graph.uniqueName(`frames.i420.${name}`), float32(shape, values));
  }

  integers(name: string, values: readonly number[]): string {
    return this.graph.addInitializer(
      this.graph.uniqueName(`frames.i420.${name}`),
      int64([values.length], values),
    );
  }

  rows(value: string, name: string, from: number, to: number): string {
    const bounds = [from, to, 2].map((bound, i) =>
      this.integers(`${name}.${["from", "to", "axis"][i]}`, [bound]),
    );
    return this.add("Slice", [value, ...bounds], name);
  }
}
