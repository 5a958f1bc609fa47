import { describeModel, loadModel, modelWords } from "@sightline/yolo-nas";
import { Command } from "commander";

/** `sightline model inspect`: what a model file is, in words. */
export function modelInspectCommand(): Command {
  return new Command("inspect")
    .description("say what an ONNX file is, by its tensors")
    .argument("<model>", "an ONNX file")
    .option("--json", "print one JSON object")
    .action(async (model: string, options: { json?: boolean }) => {
      const graph = await loadModel(model);
      const description = describeModel(graph);
      if (!options.json) {
        console.log(modelWords(graph, description).join("\n"));
        return;
      }
      const { form, image, classCount, anchorCount, quantized } = description;
      const { name, type, batch, width, height, factor, channelOrder } = image;
      const input = { name, type, batch, width, height, factor, channelOrder };
      console.log(JSON.stringify({ model, form, input, classCount, anchorCount, quantized }));
    });
}
