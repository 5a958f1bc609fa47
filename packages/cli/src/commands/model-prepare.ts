import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  COCO_CLASSES,
  describeFiles,
  loadModel,
  MANIFEST_FILE,
  preparedMetadata,
  prepareModel,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { wholeNumber } from "../option-values.ts";

interface PrepareCommandOptions {
  readonly out: string;
  readonly name?: string;
  readonly classes?: readonly string[];
  readonly frame?: { width: number; height: number };
  readonly fit?: { width: number; height: number };
  readonly channelOrder: "rgb" | "bgr";
  readonly topK: number;
}

/** `sightline model prepare`: the deployment form of any recognised export, with its manifest. */
export function modelPrepareCommand(): Command {
  return new Command("prepare")
    .description("rewrite an export into the form Sightline deploys, in a folder with its model.json")
    .argument("<model>", "a float export of YOLO-NAS")
    .requiredOption(
      "--out <folder>",
      "folder to write fp32.onnx and model.json into; its name is the model's",
    )
    .option("--name <name>", "name of the model (default: the folder's)")
    .option(
      "--classes <names>",
      "comma-separated class names, or `coco` (default: those in the export)",
      classNames,
    )
    .option("--frame <WxH>", "size of incoming frames, if the graph itself is to pad them", frameSize)
    .option(
      "--fit <WxH>",
      "scale pictures to fit this before padding (default: 4 pixels below the input)",
      frameSize,
    )
    .addOption(
      new Option("--channel-order <order>", "what the network was trained with")
        .choices(["rgb", "bgr"])
        .default("rgb"),
    )
    .option("--top-k <n>", "candidates per frame", wholeNumber(1), 1024)
    .action(prepare);
}

async function prepare(model: string, options: PrepareCommandOptions): Promise<void> {
  const source = await loadModel(model);
  const { classes, frame, fit, channelOrder, topK } = options;
  const graph = prepareModel(source, { classes, frame, fit, channelOrder, topK });
  const folder = resolve(options.out);
  await mkdir(folder, { recursive: true });
  const file = "fp32.onnx";
  await saveModel(graph, join(folder, file));
  const metadata = preparedMetadata(graph.metadata);
  const manifest = await describeFiles(folder, {
    name: options.name ?? basename(folder),
    architecture: source.metadata.get("architecture") ?? "yolo_nas",
    metadata,
    files: { fp32: file },
  });
  await writeManifest(folder, manifest);
  const { input, candidates } = metadata;
  console.log(
    `wrote ${join(folder, file)} and ${MANIFEST_FILE}: ${manifest.name} ${manifest.version}, ` +
      `${input.width}x${input.height}, ${metadata.classes.length} classes, ${candidates} candidates a frame`,
  );
}

function classNames(text: string): readonly string[] {
  return text === "coco" ? COCO_CLASSES : text.split(",").map((name) => name.trim());
}

function frameSize(text: string): { width: number; height: number } {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("a size such as 636x358");
  return { width: Number(match[1]), height: Number(match[2]) };
}
