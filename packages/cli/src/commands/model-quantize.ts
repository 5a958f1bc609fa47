import { access, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  type CalibrationMethod,
  describeFiles,
  evaluateModels,
  evenly,
  type FileFrame,
  framesFor,
  imageIds,
  labelledFrames,
  loadModel,
  MANIFEST_FILE,
  type ModelManifest,
  modelManifestSchema,
  preparedMetadata,
  type QuantizationProgress,
  quantizeModel,
  readCocoAnnotations,
  readFrames,
  reportTable,
  saveModel,
  sensitivityPlot,
  writeManifest,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { untilSignal } from "../signals.ts";

interface QuantizeCommandOptions {
  readonly frames: string;
  readonly coco?: string;
  readonly labelled?: string;
  readonly method: CalibrationMethod["kind"];
  readonly percentile: number;
  readonly batches: number;
  readonly batchSize: number;
  readonly maxApDrop: number;
  readonly skipLayers: readonly string[];
  readonly sensitivity: boolean;
  readonly apPerLayer?: boolean;
  readonly out?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0");
  return value;
}

/** `sightline model quantize`: one calibration, two INT8 files, and a report of what was quantised and why. */
export function modelQuantizeCommand(): Command {
  return new Command("quantize")
    .description("calibrate a prepared model on frames and write INT8 files for the CPU and for TensorRT")
    .argument("<model>", "a prepared model in FP32")
    .requiredOption("--frames <path>", "folder of pictures or a video, like what the model will see")
    .option("--coco <file>", "labels: box AP then steers which layers stay in float")
    .option("--labelled <path>", "the frames the labels belong to (default: --frames)")
    .addOption(
      new Option("--method <name>", "how ranges are chosen")
        .choices(["mse", "max", "percentile", "entropy"])
        .default("mse"),
    )
    .option("--percentile <p>", "for --method percentile, in percent", positive, 99.99)
    .option("--batches <n>", "calibration batches, spread evenly over the frames", positive, 16)
    .option("--batch-size <n>", "frames in a batch", positive, 4)
    .option("--max-ap-drop <points>", "points of box AP (of 100) that INT8 may lose", positive, 0.5)
    .option(
      "--skip-layers <names>",
      "comma-separated layers, or beginnings of names, to leave in float",
      (t) => t.split(","),
      [],
    )
    .option("--no-sensitivity", "do not measure each layer alone")
    .option("--ap-per-layer", "measure box AP for each layer alone too (a whole evaluation each)")
    .option("--out <folder>", "where to write (default: beside the model)")
    .action(quantize);
}

async function quantize(model: string, options: QuantizeCommandOptions): Promise<void> {
  const signal = untilSignal();
  const graph = await loadModel(model);
  const read = { ...framesFor(preparedMetadata(graph.metadata)), signal };
  const wanted = options.batches * options.batchSize;
  const frames = await spread(() => readFrames(options.frames, read), wanted);
  const quantized = await quantizeModel(graph, {
    frames,
    method:
      options.method === "percentile"
        ? { kind: "percentile", percentile: options.percentile }
        : { kind: options.method },
    skipLayers: options.skipLayers,
    maxApDrop: options.maxApDrop,
    sensitivity: options.sensitivity,
    apPerLayer: options.apPerLayer,
    measureAp: options.coco ? await apOn(options.coco, options.labelled ?? options.frames, read) : undefined,
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
  if (resolve(folder) === resolve(dirname(model))) await addToManifest(folder, names);
  console.log(reportTable(quantized.report));
  console.log(
    `\nwrote ${path("int8.cpu.onnx")}, ${path("int8.trt.onnx")}, ${path("int8.report.json")} and .svg`,
  );
  const { ap } = quantized.report;
  if (ap && ap.drop > options.maxApDrop) process.exitCode = 1;
}

/** Names the new files in the folder's model.json, if it has one, so that workers find them. */
async function addToManifest(folder: string, names: { int8Cpu: string; int8Trt: string }): Promise<void> {
  const path = join(folder, MANIFEST_FILE);
  try {
    await access(path);
  } catch {
    return;
  }
  const old = modelManifestSchema.parse(JSON.parse(await readFile(path, "utf8")));
  const files = { ...fileNames(old.files), ...names };
  // What was measured on an older INT8 file does not hold for the new one.
  const { fp32 } = old.accuracy ?? {};
  const metadata = preparedMetadata((await loadModel(join(folder, names.int8Cpu))).metadata);
  const { name, architecture, thresholds } = old;
  const accuracy = fp32 === undefined ? {} : { accuracy: { fp32 } };
  const manifest = await describeFiles(folder, { name, architecture, metadata, files, ...accuracy });
  await writeManifest(folder, { ...manifest, thresholds });
}

function fileNames(files: ModelManifest["files"]): Partial<Record<keyof ModelManifest["files"], string>> {
  return Object.fromEntries(Object.entries(files).map(([precision, { file }]) => [precision, file]));
}

/** `wanted` frames spread evenly over a source: counted first, since a video does not say how many it has. */
async function spread(open: () => AsyncIterable<FileFrame>, wanted: number): Promise<FileFrame[]> {
  let total = 0;
  for await (const _ of open()) total += 1;
  const indices = Array.from({ length: total }, (_, index) => index);
  const chosen = new Set(evenly(indices, wanted));
  const frames: FileFrame[] = [];
  for await (const frame of open()) if (chosen.has(frame.index)) frames.push(frame);
  return frames;
}

/** Box AP of a model on labelled frames, decoded once and kept. */
async function apOn(coco: string, path: string, read: Parameters<typeof readFrames>[1]) {
  const annotations = await readCocoAnnotations(coco);
  const isVideo = !(await stat(path)).isDirectory();
  const idOf = imageIds(annotations);
  const labelled = await Array.fromAsync(
    labelledFrames(readFrames(path, read), (frame) => idOf(frame, isVideo)),
  );
  return async (model: Uint8Array) => {
    const [result] = await evaluateModels([{ model }], annotations, labelled, { minHeight: 0 });
    return 100 * result!.metrics.ap;
  };
}

/** A bar on a terminal, a line a stage elsewhere; always on stderr. */
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
