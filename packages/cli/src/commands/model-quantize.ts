import { mkdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { findFfmpeg } from "@sightline/rtsp";
import {
  addModelFiles,
  type CalibrationMethod,
  checkTuned,
  evaluateModels,
  framesFor,
  imageIds,
  labelledFrames,
  loadModel,
  MANIFEST_FILE,
  parseManifest,
  preparedMetadata,
  type QuantizationProgress,
  quantizeModel,
  type ReadFramesOptions,
  readCocoAnnotations,
  readFrames,
  reportTable,
  saveModel,
  sensitivityPlot,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../errors.ts";
import { InputFailures } from "../input-failures.ts";
import { wholeNumber } from "../option-values.ts";
import { calibrationFrames, type FrameChoice, isCameraUrl } from "../quantize/calibration-frames.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface QuantizeCommandOptions extends FrameChoice {
  readonly coco?: string;
  readonly labelled?: string;
  readonly method: CalibrationMethod["kind"];
  readonly percentile: number;
  readonly batches: number;
  readonly batchSize: number;
  readonly maxApDrop: number;
  readonly skipLayers: readonly string[];
  readonly sensitivity: boolean;
  readonly equalize: boolean;
  readonly biasCorrection: boolean;
  readonly rounding: "adaptive" | "nearest";
  readonly floatPredictions: boolean;
  readonly apPerLayer?: boolean;
  readonly tuned?: string;
  readonly out?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0");
  return value;
}

/** `sightline model quantize`: one calibration, two INT8 files, and a report of what was quantised and why. */
export function modelQuantizeCommand(): Command {
  const command = new Command("quantize")
    .description("calibrate a prepared model on frames and write INT8 files for the CPU and for TensorRT")
    .argument("<model>", "a prepared model in FP32")
    .option("--frames <path>", "folder of pictures, video or rtsp:// URL, like what the model will see")
    .option("--camera <name>", "take the frames from this registered camera instead")
    .addOption(
      new Option("--transport <how>", "how the video of an rtsp:// URL travels")
        .choices(["auto", "tcp", "udp"])
        .default("auto"),
    )
    .option("--interval <seconds>", "time between two frames taken from a camera", positive, 1)
    .option("--coco <file>", "labels: box AP then steers which layers stay in float")
    .option("--labelled <path>", "the frames the labels belong to (default: --frames)")
    .addOption(
      new Option("--method <name>", "how ranges are chosen")
        .choices(["mse", "max", "percentile", "entropy"])
        .default("mse"),
    )
    .option("--percentile <p>", "for --method percentile, in percent", positive, 99.99)
    .option("--batches <n>", "calibration batches, spread evenly over the frames", wholeNumber(1), 16)
    .option("--batch-size <n>", "frames in a batch", wholeNumber(1), 4)
    .option("--max-ap-drop <points>", "points of box AP (of 100) that INT8 may lose", positive, 0.5)
    .option(
      "--skip-layers <names>",
      "comma-separated layers, or beginnings of names, to leave in float",
      (t) => t.split(","),
      [],
    )
    .option("--no-equalize", "leave the channels of a tensor at their own scales")
    .option("--no-bias-correction", "leave the shift that rounding gives a channel's mean")
    .addOption(
      new Option(
        "--rounding <how>",
        "how weights are rounded: so that their errors make up for each other, or each to the nearest",
      )
        .choices(["adaptive", "nearest"])
        .default("adaptive"),
    )
    .option("--no-float-predictions", "quantise what the prediction layers say too")
    .option("--no-sensitivity", "do not measure each layer alone")
    .option("--ap-per-layer", "with --coco, report box AP for each layer alone too (a whole evaluation each)")
    .option(
      "--tuned <folder>",
      "calibrate nothing: take over the model's INT8 files that models/training/quantization_aware.py fine-tuned into this folder",
    )
    .option(
      "--out <folder>",
      "where to write (default: beside the model, whose model.json then names the files)",
    );
  return command.action((model: string, options: QuantizeCommandOptions) =>
    options.tuned === undefined
      ? quantize(model, options, (name) => withServer(command, (client) => client.cameras.get(name)))
      : adoptTuned(model, options.tuned),
  );
}

async function quantize(
  model: string,
  options: QuantizeCommandOptions,
  cameraOf: Parameters<typeof calibrationFrames>[3],
): Promise<void> {
  const signal = untilSignal();
  const labelled = labelledPath(options);
  const graph = await loadModel(model);
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const read = {
    ...framesFor(preparedMetadata(graph.metadata)),
    ffmpeg,
    signal,
    onFailure: new InputFailures().add,
  };
  const frames = await calibrationFrames(options, options.batches * options.batchSize, read, cameraOf);
  const quantized = await quantizeModel(graph, {
    frames,
    method:
      options.method === "percentile"
        ? { kind: "percentile", percentile: options.percentile }
        : { kind: options.method },
    skipLayers: options.skipLayers,
    maxApDrop: options.maxApDrop,
    sensitivity: options.sensitivity,
    equalize: options.equalize,
    biasCorrection: options.biasCorrection,
    rounding: options.rounding,
    floatPredictions: options.floatPredictions,
    apPerLayer: options.apPerLayer,
    measureAp: labelled && (await apOn(labelled.coco, labelled.path, read)),
    signal,
    onProgress: progressBar(),
  });
  const folder = options.out ?? dirname(model);
  await mkdir(folder, { recursive: true });
  const stem = basename(model, ".onnx").replace(/\.?fp32$/, "");
  const path = (name: string) => join(folder, stem === "" ? name : `${stem}.${name}`);
  await saveModel(quantized.cpu, path("int8.cpu.onnx"));
  await saveModel(quantized.tensorrt, path("int8.trt.onnx"));
  await writeFile(path("int8.report.json"), `${JSON.stringify(quantized.report, undefined, 2)}\n`);
  await writeFile(path("int8.report.svg"), sensitivityPlot(quantized.report));
  const names = { int8Cpu: basename(path("int8.cpu.onnx")), int8Trt: basename(path("int8.trt.onnx")) };
  const news = resolve(folder) === resolve(dirname(model)) ? await addToManifest(model, names) : undefined;
  console.log(reportTable(quantized.report));
  console.log(
    `\nwrote ${path("int8.cpu.onnx")}, ${path("int8.trt.onnx")}, ${path("int8.report.json")} and .svg`,
  );
  if (news !== undefined) console.log(news);
  const { ap } = quantized.report;
  if (ap && ap.drop > options.maxApDrop) process.exitCode = 1;
}

/** Replaces the model's quantised files by tuned files made from them. */
async function adoptTuned(model: string, from: string): Promise<void> {
  const stem = basename(model, ".onnx").replace(/\.?fp32$/, "");
  const names = [`int8.cpu.onnx`, `int8.trt.onnx`].map((name) => (stem === "" ? name : `${stem}.${name}`));
  const tuned: { readonly name: string; readonly graph: Awaited<ReturnType<typeof loadModel>> }[] = [];
  for (const [index, name] of names.entries()) {
    if (!(await stat(join(from, name)).catch(() => undefined))) continue;
    const graph = await loadModel(join(from, name));
    checkTuned(graph, await loadModel(join(dirname(model), name)), index === 0);
    tuned.push({ name, graph });
  }
  if (tuned.length === 0) throw new CliError("not_found", `${from} has neither ${names.join(" nor ")}`);
  for (const { name, graph } of tuned) await saveModel(graph, join(dirname(model), name));
  console.log(`took over ${tuned.map(({ name }) => join(from, name)).join(", ")}`);
  const news = await addToManifest(model, { int8Cpu: names[0]!, int8Trt: names[1]! });
  if (news !== undefined) console.log(news);
}

/** The labels and their frames; undefined without labels. */
function labelledPath({ coco, labelled, frames, apPerLayer }: QuantizeCommandOptions) {
  if (coco === undefined) {
    if (apPerLayer) throw new CliError("usage", "--ap-per-layer needs labels: give --coco FILE");
    return undefined;
  }
  const path = labelled ?? frames;
  if (path === undefined || isCameraUrl(path))
    throw new CliError("usage", "--coco needs the frames that it labels: give --labelled FOLDER|VIDEO");
  return { coco, path };
}

/**
 * Enters the new files in the folder's model.json, if that describes the model they were made from, so that workers find them.
 * @returns a message for the user
 */
async function addToManifest(
  model: string,
  names: { int8Cpu: string; int8Trt: string },
): Promise<string | undefined> {
  const folder = dirname(model);
  const path = join(folder, MANIFEST_FILE);
  if (!(await stat(path).catch(() => undefined))) return undefined;
  const before = await parseManifest(path);
  if (before.files.fp32?.file !== basename(model))
    return `${path} is left as it is: it describes ${before.files.fp32?.file ?? "no float model"}`;
  const { version, files, accuracy } = await addModelFiles(folder, names);
  const lines = [`${path} names them; the model's version is now ${version}`];
  if (before.files.trtEngine && !files.trtEngine)
    lines.push("its TensorRT engine was built from the earlier file and is no longer listed: build it again");
  const forgotten = Object.keys(before.accuracy ?? {}).filter((key) => !(key in (accuracy ?? {})));
  if (forgotten.length > 0)
    lines.push(
      `the recorded accuracy of ${forgotten.join(", ")} was for earlier files; measure it again with model eval --record`,
    );
  return lines.join("\n");
}

/** Box AP of a model on labelled frames, which are decoded once and kept. */
async function apOn(coco: string, path: string, read: ReadFramesOptions) {
  const annotations = await readCocoAnnotations(coco);
  const isVideo = !(await stat(path).catch(() => undefined))?.isDirectory();
  const idOf = imageIds(annotations);
  const labelled = await Array.fromAsync(
    labelledFrames(readFrames(path, read), (frame) => idOf(frame, isVideo)),
  );
  return async (model: Uint8Array, encoding: "float" | "cpu" | "tensorrt") => {
    const simulateInt8 = encoding === "tensorrt";
    const [result] = await evaluateModels([{ model, simulateInt8 }], annotations, labelled, { minHeight: 0 });
    return 100 * result!.metrics.ap;
  };
}

/** A progress bar on a terminal, otherwise one line per stage; always on stderr. */
function progressBar(): (progress: QuantizationProgress) => void {
  return ({ stage, done, total }) => {
    if (process.stderr.isTTY) {
      const filled = Math.round((30 * done) / total);
      process.stderr.write(
        `\r${stage.padEnd(18)} [${"█".repeat(filled)}${" ".repeat(30 - filled)}] ${done}/${total}`,
      );
      if (done === total) process.stderr.write("\n");
    } else if (done === total) console.error(`${stage}: ${total} of ${total}`);
  };
}
