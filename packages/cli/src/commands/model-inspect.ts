import { basename, dirname, join } from "node:path";
import { projectRoot } from "@sightline/stack";
import {
  describeModel,
  loadModel,
  MANIFEST_FILE,
  type ModelPrecision,
  modelWords,
  parseManifest,
} from "@sightline/yolo-nas";
import { Command } from "commander";
import { modelFile } from "../detect/choose-model.ts";

/** `sightline model inspect`: describes a model file in words. */
export function modelInspectCommand(): Command {
  return new Command("inspect")
    .description("say what an ONNX file is, by its tensors")
    .argument("<model>", "an ONNX file, a model in models/, or a model's folder")
    .option("--json", "print one JSON object")
    .action(async (named: string, options: { json?: boolean }) => {
      const model = await modelFile(named, join(projectRoot, "models"));
      const graph = await loadModel(model);
      const description = describeModel(graph);
      if (!options.json) {
        if (model !== named) console.log(model);
        console.log([...modelWords(graph, description), ...(await accuracyWords(model))].join("\n"));
        return;
      }
      const { form, image, classCount, anchorCount, quantized } = description;
      const { name, type, batch, width, height, factor, channelOrder } = image;
      const input = { name, type, batch, width, height, factor, channelOrder };
      console.log(JSON.stringify({ model, form, input, classCount, anchorCount, quantized }));
    });
}

/** The accuracy of a file from the model.json next to it; empty if no model.json names the file. */
async function accuracyWords(path: string): Promise<string[]> {
  const manifest = await parseManifest(join(dirname(path), MANIFEST_FILE)).catch(() => undefined);
  const found = Object.entries(manifest?.files ?? {}).find(([, { file }]) => file === basename(path));
  const encoding = found?.[0] as ModelPrecision | undefined;
  const ap = encoding && manifest?.accuracy?.[encoding]?.ap;
  if (!encoding || ap === undefined) return [];
  const place = manifest?.accuracyOn?.[encoding] ?? "a processor that was not recorded";
  return [`Accuracy of ${encoding}: AP ${(100 * ap).toFixed(2)}, measured for ${place}.`];
}
