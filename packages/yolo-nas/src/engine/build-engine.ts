import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InvalidArgumentError } from "../errors.ts";
import { fileDigest } from "../manifest.ts";
import { loadModel, type OnnxGraph, saveModel } from "../onnx/index.ts";
import { i420Input } from "../prepare/i420-input.ts";
import type { PixelFormat } from "../prepare/prepared-form.ts";
import { type EngineBuilder, findEngineBuilder } from "./engine-builder.ts";
import { type BatchProfile, type EngineKey, engineTag } from "./engine-key.ts";
import { wrapEngine } from "./ep-context.ts";
import { runTrtexec } from "./run-trtexec.ts";
import { type EnginePrecision, trtexecArguments } from "./trtexec-command.ts";

export interface BuildEngineOptions {
  /** For INT8 the explicit-QDQ file for TensorRT, `…int8.trt.onnx`; otherwise the prepared FP32 file. */
  readonly onnxPath: string;
  /** Path for the wrapper; the engine file is written next to it. */
  readonly outPath: string;
  readonly profile: BatchProfile;
  /** Default "int8". */
  readonly precision?: EnginePrecision | undefined;
  /** How it reads frames: as the file does, or as I420, which it converts. Default "gbrp". */
  readonly pixelFormat?: PixelFormat | undefined;
  /** TensorRT's builder optimisation level, 0 to 5. Default: TensorRT's own. */
  readonly optimizationLevel?: number | undefined;
  /** Default: the result of `findEngineBuilder`. */
  readonly builder?: EngineBuilder | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface BuiltEngine {
  readonly wrapperPath: string;
  readonly enginePath: string;
  readonly key: EngineKey;
}

/**
 * Build an engine with TensorRT on this machine's GPU, which takes minutes the first time, and wrap it so that onnxruntime-node's
 * TensorRT provider loads it like a model.
 * @throws EngineError builder_missing, trtexec_missing, trtexec_failed
 * @throws InvalidArgumentError when the model's input is not a fixed-size [N, 3, H, W], or the batch profile is wrong
 *
 * @example
 * ```ts
 * const building = buildEngine({
 *   onnxPath: "models/yolo-nas-pedestrians/int8.trt.onnx",
 *   outPath: `${scratch}/engine.onnx`,
 *   profile: { min: 1, opt: 4, max: 8 },
 *   builder: { program: "no-such-trtexec", arguments: [], name: "trtexec" },
 * });
 * await assert.rejects(building, (error) => error instanceof EngineError && error.code === "trtexec_missing");
 * ```
 */
export async function buildEngine(options: BuildEngineOptions): Promise<BuiltEngine> {
  const { onnxPath, outPath, profile, precision = "int8", optimizationLevel, pixelFormat } = options;
  const model = await loadModel(onnxPath);
  const source = pixelFormat === "i420" ? i420Input(model) : model;
  const folder = dirname(outPath);
  await mkdir(folder, { recursive: true });
  const partial = join(folder, `${basename(outPath)}.${process.pid}.engine.partial`);
  const changed = `${partial}.onnx`;
  const args = trtexecArguments({
    onnxPath: source === model ? onnxPath : changed,
    enginePath: partial,
    timingCachePath: join(folder, "timing.cache"),
    input: onlyInput(source, onnxPath),
    profile,
    precision,
    optimizationLevel,
  });
  const builder = options.builder ?? (await findEngineBuilder());
  try {
    if (source !== model) await saveModel(source, changed);
    const { tensorrt, gpu } = await runTrtexec(builder.program, [...builder.arguments, ...args], options);
    const built = {
      modelDigest: await fileDigest(onnxPath),
      gpu,
      tensorrt,
      precision: precision === "int8" ? "int8+fp16" : precision,
      profile,
    } as const;
    const engineFile = `${basename(outPath, ".onnx")}.${engineTag(built)}.engine`;
    const key: EngineKey = { ...built, engineDigest: await fileDigest(partial) };
    const enginePath = join(folder, engineFile);
    await rename(partial, enginePath);
    await saveModel(wrapEngine(source, key, engineFile, basename(onnxPath)), outPath);
    return { wrapperPath: outPath, enginePath, key };
  } finally {
    await Promise.all([partial, changed].map((file) => rm(file, { force: true })));
  }
}

function onlyInput(graph: OnnxGraph, path: string) {
  const [input, ...others] = graph.inputs;
  const [, channels, height, width] = input?.shape ?? [];
  if (!input || others.length > 0 || ![channels, height, width].every((dim) => typeof dim === "number")) {
    throw new InvalidArgumentError(
      `${path} must have one input [N, C, H, W] of fixed H and W to become an engine; run "sightline model prepare" first.`,
    );
  }
  return { name: input.name, channels: channels as number, height: height as number, width: width as number };
}
