import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EngineError } from "../errors.ts";
import { fileDigest } from "../manifest.ts";
import { loadModel } from "../onnx/index.ts";
import type { EngineKey, GpuIdentity } from "./engine-key.ts";
import { readWrapper } from "./ep-context.ts";

/** The machine and use that an engine must fit. Missing fields are not checked. */
export interface EngineExpectation {
  readonly gpu?: GpuIdentity | undefined;
  /** Version of the TensorRT libraries that will load the engine, e.g. "10.9.0". */
  readonly tensorrt?: string | undefined;
  /** The ONNX file the engine should have been built from. */
  readonly onnxPath?: string | undefined;
  /** Largest batch that will be run. */
  readonly maxBatch?: number | undefined;
}

/**
 * Check a wrapped engine before it is loaded, so that a mismatch is an error that says what to do, and never a silent
 * rebuild or a crash inside TensorRT.
 * @throws EngineError with the code of the first thing that does not fit
 * @throws ModelFileError when the file cannot be read as ONNX
 *
 * @example
 * ```ts
 * const plain = "models/yolo-nas-pedestrians/fp32.onnx";
 * await assert.rejects(checkEngine(plain, { maxBatch: 8 }), { name: "EngineError", code: "not_an_engine" });
 * ```
 */
export async function checkEngine(path: string, expected: EngineExpectation = {}): Promise<EngineKey> {
  const { key, engineFile } = readWrapper(await loadModel(path), path);
  const rebuild = `Build it again on this machine: sightline model engine <model>.int8.trt.onnx --out ${path}`;
  const refuse = (code: EngineError["code"], what: string): never => {
    throw new EngineError(code, `${path}: ${what} ${rebuild}`);
  };
  const { gpu, tensorrt, onnxPath, maxBatch } = expected;
  if (gpu && (gpu.computeCapability !== key.gpu.computeCapability || gpu.name !== key.gpu.name)) {
    refuse(
      "wrong_gpu",
      `the engine was built for ${describe(key.gpu)}, but this machine has ${describe(gpu)}.`,
    );
  }
  if (tensorrt !== undefined && tensorrt !== key.tensorrt) {
    refuse(
      "wrong_tensorrt",
      `the engine was built by TensorRT ${key.tensorrt}, but ${tensorrt} would load it.`,
    );
  }
  if (onnxPath !== undefined && (await fileDigest(onnxPath)) !== key.modelDigest) {
    refuse("model_mismatch", `the engine was built from another model than ${onnxPath}.`);
  }
  if (maxBatch !== undefined && maxBatch > key.profile.max) {
    refuse(
      "profile_mismatch",
      `the engine takes batches up to ${key.profile.max}, but ${maxBatch} is asked for.`,
    );
  }
  const enginePath = join(dirname(path), engineFile);
  try {
    await access(enginePath);
  } catch {
    refuse("engine_file_missing", `its engine file ${enginePath} is missing; keep the two together.`);
  }
  if ((await fileDigest(enginePath)) !== key.engineDigest) {
    refuse("engine_file_changed", `its engine file ${enginePath} is not the one that was built with it.`);
  }
  return key;
}

function describe(gpu: GpuIdentity): string {
  return `${gpu.name} (compute capability ${gpu.computeCapability})`;
}
