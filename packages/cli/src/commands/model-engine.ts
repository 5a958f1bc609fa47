import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { addModelFiles, buildEngine, MANIFEST_FILE, parseManifest } from "@sightline/yolo-nas";
import { Command } from "commander";
import { wholeNumber } from "../number-options.ts";
import { untilSignal } from "../signals.ts";

/** `sightline model engine`: builds a TensorRT engine on this machine and wraps it as an ONNX file. */
export function modelEngineCommand(): Command {
  return new Command("engine")
    .description(
      "build a TensorRT engine for this machine's GPU and wrap it as an ONNX file that workers load",
    )
    .argument("<model>", "the explicit-QDQ file for TensorRT (….int8.trt.onnx)")
    .option("--min <n>", "smallest batch", wholeNumber(1), 1)
    .option("--opt <n>", "batch to tune for", wholeNumber(1), 4)
    .option("--max <n>", "largest batch", wholeNumber(1), 8)
    .option("--trtexec <path>", "TensorRT's trtexec", "trtexec")
    .option("--out <file>", "wrapper to write; the engine file goes beside it (default: <model>.engine.onnx)")
    .action(async (model: string, options: EngineOptions) => {
      const { min, opt, max, trtexec } = options;
      const built = await buildEngine({
        onnxPath: model,
        outPath: options.out ?? `${model.replace(/(\.int8)?(\.trt)?\.onnx$/, "")}.engine.onnx`,
        profile: { min, opt, max },
        trtexec,
        signal: untilSignal(),
        onLine: (line) => console.error(line),
      });
      console.log(`${built.wrapperPath}  load this file; it names ${built.enginePath}`);
      const manifest = await addToManifest(model, built.wrapperPath);
      if (manifest) console.log(`${manifest} names it, so that workers find it`);
      console.log(`built for ${built.key.gpu.name}, TensorRT ${built.key.tensorrt}, batch ${min} to ${max}`);
    });
}

/**
 * Names the engine in the model.json beside it, if that describes the file it was built from.
 * @returns the manifest's path, or undefined when there is none to change
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

interface EngineOptions {
  readonly min: number;
  readonly opt: number;
  readonly max: number;
  readonly trtexec: string;
  readonly out?: string;
}
