import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  ARCHITECTURES,
  architecture,
  buildModel,
  COCO_CLASSES,
  classCountOf,
  countParameters,
  readSafetensors,
  readTorchCheckpoint,
  SeededWeights,
  type StateDict,
  StateDictWeights,
  saveModel,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../errors.ts";

interface BuildCommandOptions {
  readonly arch: string;
  readonly weights?: string;
  readonly seed?: number;
  readonly classes?: readonly string[];
  readonly input: { width: number; height: number };
  readonly out: string;
}

/** `sightline model build`: YOLO-NAS as ONNX, from a super-gradients checkpoint or from a seed. */
export function modelBuildCommand(): Command {
  return new Command("build")
    .description("build YOLO-NAS as ONNX from a checkpoint with super-gradients' names, or from a seed")
    .addOption(
      new Option("--arch <name>", "architecture").choices(Object.keys(ARCHITECTURES)).makeOptionMandatory(),
    )
    .addOption(
      new Option("--weights <file>", "checkpoint as .safetensors or PyTorch's .pth, fused or not").conflicts(
        "seed",
      ),
    )
    .addOption(new Option("--seed <n>", "random weights, for capacity tests").argParser(integer))
    .option(
      "--classes <names>",
      "comma-separated names, `coco`, or a file with one name a line (default: coco for 80 classes)",
      classNames,
    )
    .addOption(
      new Option("--input <WxH>", "input size, multiples of 32")
        .argParser(inputSize)
        .default({ width: 640, height: 640 }, "640x640"),
    )
    .requiredOption("--out <file>", "the ONNX file to write")
    .action(build);
}

async function build(options: BuildCommandOptions): Promise<void> {
  const spec = architecture(options.arch);
  const state = options.weights === undefined ? undefined : await readWeights(options.weights);
  if (!state && options.seed === undefined) {
    throw new CliError("usage", "give --weights FILE, or --seed N for random weights");
  }
  const count = state ? classCountOf(state) : (options.classes ?? COCO_CLASSES).length;
  const classes = options.classes ?? defaultClasses(count);
  if (classes.length !== count) {
    throw new CliError("usage", `the weights predict ${count} classes but --classes names ${classes.length}`);
  }
  const weights = state ? new StateDictWeights(state) : new SeededWeights(options.seed!);
  const graph = buildModel(spec, weights, { ...options.input, classes });
  await mkdir(dirname(options.out), { recursive: true });
  await saveModel(graph, options.out);
  const { fused, training } = countParameters(spec, count);
  const { width, height } = options.input;
  console.log(
    `wrote ${options.out}: ${spec.name}, ${width}x${height}, ${count} classes, ` +
      `${fused.toLocaleString("en")} parameters fused (${training.toLocaleString("en")} trainable)`,
  );
}

function readWeights(path: string): Promise<StateDict> {
  return path.endsWith(".safetensors") ? readSafetensors(path) : readTorchCheckpoint(path);
}

function defaultClasses(count: number): readonly string[] {
  return count === COCO_CLASSES.length ? COCO_CLASSES : Array.from({ length: count }, (_, i) => `class${i}`);
}

function classNames(text: string): readonly string[] {
  if (text === "coco") return COCO_CLASSES;
  const names = existsSync(text) ? readFileSync(text, "utf8").split("\n") : text.split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

function inputSize(text: string): { width: number; height: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match) throw new InvalidArgumentError("a size such as 640x384");
  return { width: Number(match[1]), height: Number(match[2] ?? match[1]) };
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("a whole number");
  return value;
}
