/** The start of an imported graph: from ffmpeg's planes to the network's training format. */
import type { Size } from "../detection/letterbox.ts";
import { attr, elementTypeCode, type GraphNode, type OnnxGraph } from "../onnx/index.ts";
import { permuteInputChannels } from "../prepare/pixel-input.ts";
import { PREPARED_FRAMES } from "../prepare/prepared-form.ts";
import { floats } from "./append-nodes.ts";
import type { Preprocessing } from "./family.ts";

/** The network's channels, as indices of the planes G, B, R. */
const ORDER = { rgb: [2, 0, 1], bgr: [1, 0, 2] } as const;

/**
 * Makes `frames` [B, 3, H, W] the graph's input. It starts with a Cast, and with a single Mul if no mean is needed; a quantiser uses
 * these as the scale of the bytes. The planes' order is moved into the first convolution's weights if nothing else reads the picture;
 * otherwise bytes are reordered before they become floats.
 */
export function readPixels(
  graph: OnnxGraph,
  image: string,
  size: Size,
  batch: number | string,
  { channelOrder, range, mean, std }: Preprocessing,
): void {
  graph.inputs = [{ name: PREPARED_FRAMES, type: "uint8", shape: [batch, 3, size.height, size.width] }];
  const readers = graph.consumersOf(image);
  const first = readers.length === 1 && !mean ? readers[0]! : undefined;
  const folds = first !== undefined && hasOwnWeights(graph, first);
  let value: string = PREPARED_FRAMES;
  if (folds) permuteInputChannels(graph, first, channelOrder);
  else value = reordered(graph, value, ORDER[channelOrder]);
  value = graph.add(
    "Cast",
    [value],
    { to: attr.int(elementTypeCode("float32")) },
    graph.uniqueName("frames.float"),
  );
  const unit = range === "unit" ? 1 / 255 : 1;
  const spread = std ?? [1, 1, 1];
  const factors = mean || std ? spread.map((deviation) => unit / deviation) : [unit];
  const shape = factors.length === 3 ? [1, 3, 1, 1] : [];
  value = graph.add("Mul", [value, floats(graph, shape, factors)], {}, graph.uniqueName("frames.scaled"));
  if (mean) {
    const offsets = mean.map((middle, channel) => -middle / spread[channel]!);
    value = graph.add(
      "Add",
      [value, floats(graph, [1, 3, 1, 1], offsets)],
      {},
      graph.uniqueName("frames.centred"),
    );
  }
  graph.replaceUses(image, value);
}

function hasOwnWeights(graph: OnnxGraph, { op, inputs, attributes }: GraphNode): boolean {
  const group = attributes.get("group");
  const grouped = group?.kind === "int" && group.value !== 1;
  return op === "Conv" && !grouped && graph.constantOf(inputs[1] ?? "")?.dims[1] === 3;
}

/** Reorders planes of bytes; this is cheap, since they are not floats yet. */
function reordered(graph: OnnxGraph, value: string, order: readonly number[]): string {
  const indices = graph.addInitializer(graph.uniqueName("frames.order"), {
    type: "int64",
    dims: [3],
    data: BigInt64Array.from(order, BigInt),
  });
  return graph.add("Gather", [value, indices], { axis: attr.int(1) }, graph.uniqueName("frames.ordered"));
}
