import { InvalidArgumentError } from "../errors.ts";
import type { BatchProfile } from "./engine-key.ts";

/** Arithmetic of an engine: INT8 where the file has Q/DQ pairs and FP16 between them, or everything in FP16 or FP32. */
export const ENGINE_PRECISIONS = ["int8", "fp16", "fp32"] as const;
export type EnginePrecision = (typeof ENGINE_PRECISIONS)[number];

export interface EngineBuild {
  /** For INT8 the explicit-QDQ file that `model quantize` wrote for TensorRT, otherwise the FP32 file. */
  readonly onnxPath: string;
  readonly enginePath: string;
  /** Kernel timings kept between builds: a second build on the same GPU takes seconds instead of minutes. */
  readonly timingCachePath: string;
  readonly input: {
    readonly name: string;
    readonly channels: number;
    readonly height: number;
    readonly width: number;
  };
  readonly profile: BatchProfile;
  /** Default "int8". */
  readonly precision?: EnginePrecision | undefined;
  /** TensorRT's builder optimisation level, 0 to 5: how long it looks for fast kernels. Default: TensorRT's own, 3. */
  readonly optimizationLevel?: number | undefined;
}

const precisionFlags: Readonly<Record<EnginePrecision, readonly string[]>> = {
  int8: ["--int8", "--fp16"],
  fp16: ["--fp16"],
  fp32: [],
};

/**
 * trtexec's arguments. INT8 layers come from the file's Q/DQ pairs; the layers between them run in FP16. A calibration table must not be
 * given together with Q/DQ pairs, and none is.
 * @throws InvalidArgumentError unless 1 <= min <= opt <= max, all whole
 */
export function trtexecArguments(build: EngineBuild): string[] {
  const { min, opt, max } = build.profile;
  if (![min, opt, max].every(Number.isInteger) || min < 1 || min > opt || opt > max) {
    throw new InvalidArgumentError(
      `Batch sizes must be whole and 1 <= min <= opt <= max, not min ${min}, opt ${opt}, max ${max}.`,
    );
  }
  const { precision = "int8", optimizationLevel } = build;
  const { name, channels, height, width } = build.input;
  const shape = (batch: number) => `${name}:${batch}x${channels}x${height}x${width}`;
  return [
    `--onnx=${build.onnxPath}`,
    `--saveEngine=${build.enginePath}`,
    `--timingCacheFile=${build.timingCachePath}`,
    ...precisionFlags[precision],
    ...(optimizationLevel === undefined ? [] : [`--builderOptimizationLevel=${optimizationLevel}`]),
    `--minShapes=${shape(min)}`,
    `--optShapes=${shape(opt)}`,
    `--maxShapes=${shape(max)}`,
    "--skipInference",
  ];
}
