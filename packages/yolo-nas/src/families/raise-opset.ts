/** Raises old exports to the operator set that the added nodes need. */
import { UnknownModelError } from "../errors.ts";
import { attr, int64, type OnnxGraph } from "../onnx/index.ts";

const OLDEST = 11;
const WANTED = 17;

/** Attributes that became inputs in operator set 13. */
const MOVED: Readonly<Record<string, string>> = {
  Split: "split",
  Squeeze: "axes",
  Unsqueeze: "axes",
  ReduceSum: "axes",
};

/**
 * Raises a graph of operator set 11 to 16 to 17, in place; newer ones are not changed.
 * @throws UnknownModelError for an older one
 */
export function raiseOpset(graph: OnnxGraph): void {
  const opset = graph.opsets.get("") ?? WANTED;
  if (opset < OLDEST)
    throw new UnknownModelError(
      `The file is of ONNX operator set ${opset}; export it with ${WANTED}, or ${OLDEST} at least.`,
    );
  graph.irVersion = Math.max(8, graph.irVersion);
  if (opset >= WANTED) return;
  graph.opsets.set("", WANTED);
  if (opset >= 13) return;
  for (const node of graph.nodes) {
    const moved = MOVED[node.op];
    const values = moved === undefined ? undefined : node.attributes.get(moved);
    if (moved !== undefined && values?.kind === "ints") {
      node.attributes.delete(moved);
      const name = graph.uniqueName(`${node.name}.${moved}`);
      node.inputs = [node.inputs[0]!, graph.addInitializer(name, int64([values.value.length], values.value))];
    }
    // Softmax covered all axes from this one on; exporters name the last axis, for which that is the same.
    if (node.op === "Softmax" && !node.attributes.has("axis")) node.attributes.set("axis", attr.int(1));
  }
}
