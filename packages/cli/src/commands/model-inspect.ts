import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { describeModel, loadModel, modelWords } from "@sightline/yolo-nas";
import { Command } from "commander";
import { modelFile } from "../detect/choose-model.ts";

/** `sightline model inspect`: what a model file is, in words. */
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
        console.log(modelWords(graph, description).join("\n"));
        return;
      }
      const { form, image, classCount, anchorCount, quantized } = description;
      const { name, type, batch, width, height, factor, channelOrder } = image;
      const input = { name, type, batch, width, height, factor, channelOrder };
      console.log(JSON.stringify({ model, form, input, classCount, anchorCount, quantized }));
    });
}
