import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  addModelFiles,
  buildEngine,
  ENGINE_PRECISIONS,
  type EngineBuilder,
  type EnginePrecision,
  findEngineBuilder,
  MANIFEST_FILE,
  PIXEL_FORMATS,
  type PixelFormat,
  parseManifest,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { showElapsed } from "../detect/progress-line.ts";
import { wholeNumber } from "../option-values.ts";
import { untilSignal } from "../signals.ts";

/** `sightline model engine`: builds TensorRT engines on this machine and wraps them as ONNX files. */
export function modelEngineCommand(): Command {
  return new Command("engine")
    .description(
      "build a TensorRT engine for this machine's GPU and wrap it as an ONNX file that workers load",
    )
    .argument(
      "<models...>",
      "prepared files: ….int8.trt.onnx for INT8, ….fp32.onnx for FP16 and FP32; or folders of models, which have both",
    )
    .addOption(
      new Option(
        "--precision <names>",
        `${ENGINE_PRECISIONS.join(", ")}, or several, separated by commas; workers take int8`,
      )
        .argParser(precisions)
        .default(["int8"], "int8"),
    )
    .addOption(
      new Option(
        "--frames <format>",
        "how the engine reads frames: i420 is half the bytes, which the engine turns into gbrp itself",
      )
        .choices(PIXEL_FORMATS)
        .default("i420"),
    )
    .option("--min <n>", "smallest batch", wholeNumber(1), 1)
    .option("--opt <n>", "batch to tune for", wholeNumber(1), 4)
    .option("--max <n>", "largest batch", wholeNumber(1), 8)
    .option(
      "--optimization-level <n>",
      "how long TensorRT looks for fast kernels: 0, seconds to a minute, to 5 (default: TensorRT's own, 3, minutes)",
      wholeNumber(0, 5),
    )
    .option("--trtexec <path>", "TensorRT's trtexec (default: the PATH's, else TensorRT's Python bindings)")
    .option("--python <path>", "the Python that has TensorRT's bindings", "python3")
    .option("--verbose", "print what TensorRT says", false)
    .option("--out <file>", "wrapper to write; the engine file goes beside it (default: <model>.engine.onnx)")
    .action(async (models: string[], options: EngineOptions) => {
      const jobs = (await Promise.all(models.map((model) => jobsOf(model, options.precision)))).flat();
      if (options.out !== undefined && jobs.length > 1)
        throw new InvalidArgumentError("--out is for one model and one precision");
      const builder = await findEngineBuilder(options);
      console.error(`building with ${builder.name}`);
      const signal = untilSignal();
      for (const [index, job] of jobs.entries())
        await build(job, `${index + 1} of ${jobs.length}`, builder, options, signal);
    });
}

/** One engine to build. */
interface Job {
  readonly model: string;
  readonly precision: EnginePrecision;
}

async function jobsOf(model: string, wanted: readonly EnginePrecision[]): Promise<Job[]> {
  const isFolder = (await stat(model).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return wanted.map((precision) => ({ model, precision }));
  const { files } = await parseManifest(join(model, MANIFEST_FILE));
  return wanted.map((precision) => {
    const file = precision === "int8" ? files.int8Trt : files.fp32;
    if (!file)
      throw new InvalidArgumentError(
        `${model} has no file for ${precision}; run "sightline model ${precision === "int8" ? "quantize" : "prepare"}" first`,
      );
    return { model: join(model, file.file), precision };
  });
}

async function build(
  { model, precision }: Job,
  place: string,
  builder: EngineBuilder,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<void> {
  const { min, opt, max, optimizationLevel, verbose, frames: pixelFormat } = options;
  const done = showElapsed(`${place}: ${precision} engine of ${model}`);
  const built = await buildEngine({
    onnxPath: model,
    outPath: options.out ?? wrapperPath(model, precision),
    profile: { min, opt: Math.min(opt, max), max },
    precision,
    optimizationLevel,
    pixelFormat,
    builder,
    signal,
    onLine: (line) => verbose && console.error(line),
  }).finally(done);
  console.log(`${built.wrapperPath}  load this file; it names ${built.enginePath}`);
  const manifest = precision === "int8" ? await addToManifest(model, built.wrapperPath) : undefined;
  if (manifest) console.log(`${manifest} names it, so that workers find it`);
  console.log(
    `built for ${built.key.gpu.name}, TensorRT ${built.key.tensorrt}, batch ${min} to ${max}, by ${builder.name}`,
  );
}

/** `street/int8.trt.onnx` becomes `street/int8.engine.onnx`, and `street/fp32.onnx` with FP16 becomes `street/fp16.engine.onnx`. */
function wrapperPath(model: string, precision: EnginePrecision): string {
  if (precision === "int8") return `${model.replace(/(\.int8)?(\.trt)?\.onnx$/, "")}.engine.onnx`;
  const stem = basename(model).replace(/\.onnx$/, "");
  return join(
    dirname(model),
    `${stem.replace(/(^|\.)fp32$/, "")}.${precision}.engine.onnx`.replace(/^\./, ""),
  );
}

/**
 * Enters the engine in the model.json next to it, if that describes the file it was built from.
 * @returns the manifest's path, or undefined when nothing was changed
 */
async function addToManifest(model: string, wrapper: string): Promise<string | undefined> {
  const folder = dirname(model);
  const path = join(folder, MANIFEST_FILE);
  if (resolve(dirname(wrapper)) !== resolve(folder)) return undefined;
  if (!(await stat(path).catch(() => undefined))) return undefined;
  const { files } = await parseManifest(path);
  if (files.int8Trt?.file !== basename(model)) return undefined;
  await addModelFiles(folder, { trtEngine: basename(wrapper) });
  return path;
}

function precisions(text: string): readonly EnginePrecision[] {
  return text.split(",").map((name) => {
    const precision = ENGINE_PRECISIONS.find((each) => each === name);
    if (!precision) throw new InvalidArgumentError(`expected some of ${ENGINE_PRECISIONS.join(", ")}`);
    return precision;
  });
}

interface EngineOptions {
  readonly precision: readonly EnginePrecision[];
  readonly frames: PixelFormat;
  readonly min: number;
  readonly opt: number;
  readonly max: number;
  readonly optimizationLevel?: number;
  readonly trtexec?: string;
  readonly python: string;
  readonly verbose: boolean;
  readonly out?: string;
}
