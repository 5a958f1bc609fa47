import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  describeClassifier,
  float32,
  importClassifier,
  int64,
  OnnxGraph,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";

/**
 * Writes a classifier into `directory/name` that classifies dark objects as `dark` and all others as `bright`. With
 * `broken`, the file has other values than its manifest says.
 */
export async function writeSmallClassifier(
  directory: string,
  name: string,
  { broken = false }: { broken?: boolean } = {},
): Promise<void> {
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "picture", type: "float32", shape: ["B", 3, 8, 8] }];
  const mean = graph.add("GlobalAveragePool", ["picture"]);
  const rows = graph.add("Reshape", [mean, graph.addInitializer("rows", int64([2], [0, 3]))]);
  // For black 0, for white 12 minus 4.
  const sum = graph.add("MatMul", [rows, graph.addInitializer("sum", float32([3, 2], [0, 4, 0, 4, 0, 4]))]);
  const scores = graph.add("Add", [sum, graph.addInitializer("bias", float32([2], [0, -2]))]);
  graph.outputs = [{ name: scores, type: "float32", shape: ["B", 2] }];
  const plain = { mean: undefined, std: undefined };
  const values = ["dark", "bright"];
  const imported = await importClassifier(graph, {
    attributes: [{ name: "light", values }],
    preprocessing: plain,
  });
  const folder = join(directory, name);
  await mkdir(folder, { recursive: true });
  const file = "fp32.onnx";
  await saveModel(imported.graph, join(folder, file));
  const attributes = [{ name: "light", values: broken ? [...values, "other"] : values }];
  await writeManifest(
    folder,
    await describeClassifier(folder, { name, crop: imported.crop, attributes, file }),
  );
}
