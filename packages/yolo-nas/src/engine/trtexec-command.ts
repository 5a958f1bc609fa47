import { InvalidArgumentError } from "../errors.ts";
import type { BatchProfile } from "./engine-key.ts";

export interface EngineBuild {
  /** The explicit-QDQ file that `model quantize` wrote for TensorRT. */
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
}

/**
 * trtexec's arguments. INT8 layers come from the file's Q/DQ pairs; what is left between them runs in FP16. No
 * calibration table may be given beside Q/DQ pairs, and none is.
 * @throws InvalidArgumentError unless 1 <= min <= opt <= max, all whole
 */
export function trtexecArguments(build: EngineBuild): string[] {
  const { min, opt, max } = build.profile;
  if (![min, opt, max].every(Number.isInteger) || min < 1 || min > opt || opt > max) {
    throw new InvalidArgumentError(
      `Batch sizes must be whole and 1 <= min <= opt <= max, not min ${min}, opt ${opt}, max ${max}.`,
    );
  }
  const { name, channels, height, width } = build.input;
  const shape = (batch: number) => `${name}:${batch}x${channels}x${height}x${width}`;
  return [
    `--onnx=${build.onnxPath}`,
    `--saveEngine=${build.enginePath}`,
    `--timingCacheFile=${build.timingCachePath}`,
    "--int8",
    "--fp16",
    `--minShapes=${shape(min)}`,
    `--optShapes=${shape(opt)}`,
    `--maxShapes=${shape(max)}`,
    "--skipInference",
  ];
}
