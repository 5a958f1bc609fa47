import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type ArchitectureSpec,
  buildEngine,
  buildModel,
  COCO_CLASSES,
  countConvolutions,
  type EngineBuilder,
  type ExecutionProvider,
  InvalidArgumentError,
  loadModel,
  MANIFEST_FILE,
  type ModelPrecision,
  prepareModel,
  quantizeModel,
  readManifest,
  SeededWeights,
  type Size,
  saveModel,
} from "@sightline/yolo-nas";

/** The two kinds of system: in floating point, and quantised. */
export type BenchPrecision = "fp32" | "int8";

/** One prepared model file to measure. */
export interface ModelSystem {
  /** The architecture, or the name of a folder's model. */
  readonly arch: string;
  readonly precision: BenchPrecision;
  /** Its arithmetic: TensorRT's engines for the FP32 file use FP16, as in the articles. */
  readonly arithmetic: string;
  readonly file: string;
  readonly fileBytes: number;
  /** Weights and biases of all convolutions. */
  readonly parameters: number;
  /** Multiplications plus additions of one frame's convolutions, in units of 10^9; null if unknown. */
  readonly gflops: number | null;
  /** Size of its input frames. */
  readonly input: Size;
}

export interface SystemsOptions {
  readonly architectures: readonly ArchitectureSpec[];
  readonly precisions: readonly BenchPrecision[];
  readonly input: Size;
  /** Where to write the files. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly provider: ExecutionProvider;
  /** Called with the step that begins. */
  readonly onStep: (step: string) => void;
}

const seed = 1;

/**
 * Build, prepare and quantise every system, as `model build`, `prepare` and `quantize` do, with random weights: the values of weights do
 * not affect speed.
 */
export async function makeSystems(options: SystemsOptions): Promise<ModelSystem[]> {
  const systems: ModelSystem[] = [];
  for (const spec of options.architectures) {
    options.signal.throwIfAborted();
    options.onStep(`building ${spec.name}`);
    const built = buildModel(spec, new SeededWeights(seed), { ...options.input, classes: COCO_CLASSES });
    const float = prepareModel(built);
    const { parameters, operations } = countConvolutions(float);
    const add = async (precision: BenchPrecision, graph: typeof float) => {
      const file = join(options.folder, `${spec.name}.${precision}.onnx`);
      await saveModel(graph, file);
      const { size } = await stat(file);
      systems.push({
        arch: spec.name,
        precision,
        arithmetic: precision,
        file,
        fileBytes: size,
        parameters,
        gflops: gigas(operations),
        input: options.input,
      });
    };
    if (options.precisions.includes("fp32")) await add("fp32", float);
    if (!options.precisions.includes("int8")) continue;
    options.onStep(`quantising ${spec.name}`);
    const quantized = await quantizeModel(float, {
      frames: [randomFrame(options.input)],
      method: { kind: "max" },
      sensitivity: false,
      signal: options.signal,
    });
    await add("int8", options.provider === "tensorrt" ? quantized.tensorrt : quantized.cpu);
  }
  return systems;
}

/**
 * The files of a folder that `model.json` describes.
 * @throws ModelFileError when there is no valid manifest
 * @throws InvalidArgumentError when the model lacks a requested file
 */
export async function systemsOfFolder(
  folder: string,
  { precisions, provider }: Pick<SystemsOptions, "precisions" | "provider">,
): Promise<ModelSystem[]> {
  const { name, files, frame } = await readManifest(join(folder, MANIFEST_FILE));
  const fileOf = (kind: ModelPrecision) => {
    const entry = files[kind];
    if (!entry) throw new InvalidArgumentError(`${folder} has no file for ${kind}`);
    return join(folder, entry.file);
  };
  const { parameters, operations } = countConvolutions(await loadModel(fileOf("fp32")));
  const kinds = { fp32: "fp32", int8: provider === "tensorrt" ? "int8Trt" : "int8Cpu" } as const;
  return Promise.all(
    precisions.map(async (precision) => {
      const file = fileOf(kinds[precision]);
      const { size } = await stat(file);
      return {
        ...{ arch: name, precision, arithmetic: precision, file, fileBytes: size },
        ...{ parameters, gflops: gigas(operations), input: frame },
      };
    }),
  );
}

/** The same systems as TensorRT engines for batches up to `maxBatch`, built on this machine. */
export async function buildEngines(
  systems: readonly ModelSystem[],
  options: Pick<SystemsOptions, "signal" | "folder"> & {
    builder: EngineBuilder;
    maxBatch: number;
    optimizationLevel?: number | undefined;
    /** Called when an engine's build begins; the function that it returns is called when the build is done. */
    began: (step: string) => () => void;
  },
): Promise<ModelSystem[]> {
  const { signal, began, maxBatch, optimizationLevel, builder } = options;
  const engines: ModelSystem[] = [];
  for (const [index, system] of systems.entries()) {
    const precision = system.precision === "int8" ? "int8" : "fp16";
    const done = began(`${index + 1} of ${systems.length}: ${precision} engine of ${system.arch}`);
    const { wrapperPath, enginePath } = await buildEngine({
      onnxPath: system.file,
      outPath: join(options.folder, `${system.arch}.${precision}.engine.onnx`),
      profile: { min: 1, opt: maxBatch, max: maxBatch },
      precision,
      optimizationLevel,
      builder,
      signal,
    }).finally(done);
    const { size } = await stat(enginePath);
    engines.push({ ...system, arithmetic: precision, file: wrapperPath, fileBytes: size });
  }
  return engines;
}

function gigas(operations: number | undefined): number | null {
  return operations === undefined ? null : operations / 1e9;
}

/** The same noise each time. */
function randomFrame({ width, height }: Size) {
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  return { pixels, width, height };
}

/** The pixels of a batch: that frame N times. */
export function noiseBatch(input: Size, batch: number): Uint8Array {
  const { pixels } = randomFrame(input);
  const all = new Uint8Array(batch * pixels.length);
  for (let i = 0; i < batch; i++) all.set(pixels, i * pixels.length);
  return all;
}
