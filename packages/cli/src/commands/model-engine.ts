import { buildEngine } from "@sightline/yolo-nas";
import { Command, InvalidArgumentError } from "commander";
import { untilSignal } from "../signals.ts";

function batchSize(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1");
  return value;
}

/** `sightline model engine`: builds a TensorRT engine on this machine and wraps it as an ONNX file. */
export function modelEngineCommand(): Command {
  return new Command("engine")
    .description(
      "build a TensorRT engine for this machine's GPU and wrap it as an ONNX file that workers load",
    )
    .argument("<model>", "the explicit-QDQ file for TensorRT (….int8.trt.onnx)")
    .option("--min <n>", "smallest batch", batchSize, 1)
    .option("--opt <n>", "batch to tune for", batchSize, 4)
    .option("--max <n>", "largest batch", batchSize, 8)
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
      console.log(`built for ${built.key.gpu.name}, TensorRT ${built.key.tensorrt}, batch ${min} to ${max}`);
    });
}

interface EngineOptions {
  readonly min: number;
  readonly opt: number;
  readonly max: number;
  readonly trtexec: string;
  readonly out?: string;
}
