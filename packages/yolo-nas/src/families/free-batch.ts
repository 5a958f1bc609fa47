/** Exports are often made for one picture at a time. Whether a graph can take more cannot be read from it, so it is tried. */
import { CLASSIFIER_FRAME } from "../classifiers/classifier-form.ts";
import type { Size } from "../detection/letterbox.ts";
import { encodeModel, int64, type OnnxGraph, toNumbers } from "../onnx/index.ts";
import { PREPARED_BOXES, PREPARED_FRAMES, PREPARED_SCORES } from "../prepare/prepared-form.ts";
import { InferenceSession, Tensor } from "../runtime/onnx-runtime.ts";

/** Runs a graph on several batches of two pictures, 0 and 1; returns every output's values for each batch. */
type RunBatches = (graph: OnnxGraph, batches: readonly (readonly number[])[]) => Promise<Float32Array[][]>;

/** The prepared graph of a detector, with a free batch if possible; see {@link freeBatch}. */
export function withFreeBatch(graph: OnnxGraph, size: Size): Promise<OnnxGraph> {
  return freeBatch(graph, (candidate, batches) => run(candidate, size, batches));
}

/**
 * The graph with a free batch, if it then gives the same results for two pictures at once as for each alone; otherwise with a batch of 1,
 * and sessions run it once per picture.
 */
export async function freeBatch(graph: OnnxGraph, runBatches: RunBatches): Promise<OnnxGraph> {
  const single = withBatch(graph, 1);
  let alone: Float32Array[][] | undefined;
  for (const candidate of [graph, copyingBatch(graph)].map((each) => withBatch(each, "N"))) {
    try {
      const [both] = await runBatches(candidate, [[0, 1]]);
      alone ??= await runBatches(single, [[0], [1]]);
      const expected = both!.map((_, output) => alone!.flatMap((each) => [...each[output]!]));
      if (both!.every((values, output) => agree(values, expected[output]!))) return candidate;
    } catch {
      // A shape that contains a 1.
    }
  }
  return single;
}

function withBatch(graph: OnnxGraph, batch: number | string): OnnxGraph {
  const copy = graph.clone();
  const first = <T extends { shape: readonly (number | string | null)[] | undefined }>(info: T): T => ({
    ...info,
    shape: [batch, ...info.shape!.slice(1)],
  });
  // A classifier takes one frame with many boxes.
  copy.inputs = copy.inputs.map((info) => (info.name === CLASSIFIER_FRAME ? info : first(info)));
  copy.outputs = copy.outputs.map(first);
  // They were recorded with the exporter's batch.
  copy.valueInfo.clear();
  return copy;
}

/** Every Reshape to [1, …] takes its first dimension from its input instead. */
function copyingBatch(graph: OnnxGraph): OnnxGraph {
  const copy = graph.clone();
  for (const node of copy.nodes) {
    const shape = node.op === "Reshape" ? copy.constantOf(node.inputs[1]!) : undefined;
    const dims = shape && toNumbers(shape);
    if (dims?.[0] !== 1 || dims.length < 2) continue;
    const name = copy.addInitializer(
      copy.uniqueName(`${node.name}.shape`),
      int64([dims.length], [0, ...dims.slice(1)]),
    );
    node.inputs = [node.inputs[0]!, name];
  }
  copy.removeDeadNodes();
  return copy;
}

/** Boxes and scores for each of several batches of two pictures, 0 and 1. */
async function run(
  graph: OnnxGraph,
  { width, height }: Size,
  batches: readonly (readonly number[])[],
): Promise<Float32Array[][]> {
  const session = await InferenceSession.create(encodeModel(graph), {
    logSeverityLevel: 4,
    graphOptimizationLevel: "basic",
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  const bytes = 3 * width * height;
  const results: Float32Array[][] = [];
  try {
    for (const pictures of batches) {
      const pixels = Uint8Array.from({ length: pictures.length * bytes }, (_, i) => {
        const at = i % bytes;
        return pictures[Math.floor(i / bytes)] === 0 ? (at * 31 + (at >> 7) * 17) & 255 : (at >> 5) & 255;
      });
      const frames = new Tensor("uint8", pixels, [pictures.length, 3, height, width]);
      const outputs = await session.run({ [PREPARED_FRAMES]: frames });
      results.push([PREPARED_BOXES, PREPARED_SCORES].map((name) => outputs[name]!.data as Float32Array));
    }
    return results;
  } finally {
    await session.release();
  }
}

/** Equal except for the last digits, which depend on the order of sums. */
function agree(a: Float32Array, b: readonly number[]): boolean {
  return (
    a.length === b.length &&
    a.every((value, i) => Math.abs(value - b[i]!) <= 1e-3 * Math.max(1, Math.abs(b[i]!)))
  );
}
