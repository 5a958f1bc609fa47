import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import {
  ARCHITECTURES,
  architecture,
  DetectorSession,
  EXECUTION_PROVIDERS,
  type ExecutionProvider,
  ExecutionProviderError,
  findEngineBuilder,
  providerObstacle,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { type BlockOptions, quantile, timeInBlocks } from "../bench/alternating-blocks.ts";
import { ENGINES, type Engine, engineRows, engineTable } from "../bench/engine-table.ts";
import {
  type BenchPrecision,
  buildEngines,
  type ModelSystem,
  makeSystems,
  noiseBatch,
  systemsOfFolder,
} from "../bench/model-systems.ts";
import { type BenchRow, modelTable } from "../bench/model-table.ts";
import { OpenVinoProcess } from "../bench/openvino-process.ts";
import { timeEngines } from "../bench/time-engines.ts";
import { showElapsed } from "../detect/progress-line.ts";
import { wholeNumber } from "../option-values.ts";
import { untilSignal } from "../signals.ts";

interface BenchOptions {
  readonly arch?: readonly string[];
  readonly model?: readonly string[];
  readonly precision: readonly BenchPrecision[];
  readonly input: { width: number; height: number };
  readonly batch?: readonly number[];
  readonly rounds: number;
  readonly blockMs: number;
  readonly threads?: number;
  readonly provider: ExecutionProvider;
  readonly optimizationLevel?: number;
  readonly trtexec?: string;
  readonly engine: readonly Engine[];
  readonly python: string;
  readonly json?: boolean;
}

/** The six systems of the articles. */
const articleSystems = ["yolo_nas_s", "yolo_nas_m", "yolo_nas_l"];

/** The CUDA provider runs a quantised graph in float, with conversions between all layers. */
const noCudaInt8 = "the CUDA provider has no INT8; --provider tensorrt has";

/** `sightline bench model`: the six systems side by side on this machine, measured in one run. */
export function benchModelCommand(): Command {
  return new Command("model")
    .description("measure YOLO-NAS S, M and L in FP32 and INT8 on this machine, in alternating blocks")
    .addOption(
      new Option(
        "--arch <names>",
        `comma-separated architectures, or all; of random weights (default: ${articleSystems.join(",")}, or none with --model)`,
      ).argParser(architectures),
    )
    .option("--model <folders...>", "folders of models with a model.json, measured at their own size")
    .addOption(
      new Option("--precision <names>", "fp32, int8, or both, separated by a comma")
        .argParser(precisions)
        .default(["fp32", "int8"] as const, "fp32,int8"),
    )
    .addOption(
      new Option("--input <size>", "input size of --arch, 640 or 640x384")
        .argParser(inputSize)
        .default({ width: 640, height: 640 }, "640"),
    )
    .addOption(
      new Option(
        "--batch <sizes>",
        "comma-separated batch sizes (default: 1, or 1,4 with several engines)",
      ).argParser(batches),
    )
    .option("--rounds <n>", "blocks of each system", wholeNumber(1), 5)
    .option("--block-ms <ms>", "length of a block", wholeNumber(1), 2000)
    .addOption(
      new Option(
        "--provider <name>",
        "what runs them; tensorrt builds FP16 and INT8 engines first, minutes each",
      )
        .choices(EXECUTION_PROVIDERS)
        .default("cpu"),
    )
    .option(
      "--optimization-level <n>",
      "TensorRT's, 0 to 5: how long it looks for fast kernels (default: its own, 3)",
      wholeNumber(0, 5),
    )
    .option("--trtexec <path>", "TensorRT's trtexec (default: the PATH's, else TensorRT's Python bindings)")
    .option(
      "--threads <n>",
      "threads of an inference (default: one per physical core; with several engines, one per logical core)",
      wholeNumber(1),
    )
    .addOption(
      new Option(
        "--engine <names>",
        `what to compare on the same graphs, some of ${ENGINES.join(", ")}, separated by commas; OpenVINO needs its Python package`,
      )
        .argParser(engines)
        .default(["onnxruntime"] as const, "onnxruntime"),
    )
    .option("--python <path>", "the Python that has OpenVINO, or TensorRT's bindings", "python3")
    .option("--json", "print the rows as JSON")
    .action(bench);
}

async function bench(options: BenchOptions): Promise<void> {
  const signal = untilSignal();
  const { provider, engine, optimizationLevel } = options;
  const comparesEngines = engine.length > 1 || engine[0] !== "onnxruntime";
  if (comparesEngines && provider !== "cpu")
    throw new InvalidArgumentError("engines are compared on the CPU: leave --provider out");
  const batch = options.batch ?? (comparesEngines ? [1, 4] : [1]);
  // Before models are built, so that missing software is reported at once.
  const obstacle = provider === "cpu" ? undefined : await providerObstacle(provider);
  if (obstacle) throw new ExecutionProviderError(`Nothing can run on ${provider} here: ${obstacle.message}.`);
  const builder = provider === "tensorrt" ? await findEngineBuilder(options) : undefined;
  if (builder) console.error(`building engines with ${builder.name}`);
  const openVino = engine.some((name) => name !== "onnxruntime")
    ? await OpenVinoProcess.start(options.python, signal)
    : undefined;
  const folder = await mkdtemp(join(tmpdir(), "sightline-bench-"));
  try {
    const made = await systemsOf(options, folder, signal);
    const builds = { signal, began: showElapsed, maxBatch: Math.max(...batch), optimizationLevel, folder };
    const systems = builder ? await buildEngines(made, { ...builds, builder }) : made;
    const { rounds, blockMs } = options;
    const onBlock = (done: number, total: number) => status(`measuring, block ${done} of ${total}`);
    const blocks = { rounds, blockMs, signal, onBlock };
    if (comparesEngines) {
      const threads = options.threads ?? availableParallelism();
      const times = await timeEngines(systems, {
        ...blocks,
        ...{ engines: engine, batches: batch, threads, openVino },
      });
      const rows = engineRows(times, threads);
      return print(options, rows, engineTable(rows, openVino?.version));
    }
    const rows = await measure(systems, batch, options, blocks);
    const withoutInt8 = provider === "cuda" && options.precision.includes("int8") ? noCudaInt8 : undefined;
    print(options, rows, modelTable(rows, withoutInt8));
  } finally {
    await openVino?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function print({ json }: BenchOptions, rows: readonly unknown[], table: string): void {
  console.log(json ? JSON.stringify(rows, undefined, 2) : table);
}

/** The models of the given folders, and those that are built. */
async function systemsOf(
  options: BenchOptions,
  folder: string,
  signal: AbortSignal,
): Promise<readonly ModelSystem[]> {
  const { provider } = options;
  const precisions =
    provider === "cuda" ? options.precision.filter((name) => name !== "int8") : options.precision;
  if (precisions.length === 0) throw new InvalidArgumentError(noCudaInt8);
  const systems: ModelSystem[] = [];
  for (const model of options.model ?? [])
    systems.push(...(await systemsOfFolder(model, { precisions, provider })));
  const names = options.arch ?? (options.model ? [] : articleSystems);
  const { input } = options;
  const built = { architectures: names.map(architecture), precisions, provider, input, folder };
  return [...systems, ...(await makeSystems({ ...built, signal, onStep: status }))];
}

async function measure(
  systems: readonly ModelSystem[],
  batches: readonly number[],
  { threads, provider }: BenchOptions,
  blocks: BlockOptions,
): Promise<BenchRow[]> {
  const sessions: DetectorSession[] = [];
  try {
    for (const { file } of systems)
      sessions.push(await DetectorSession.load(file, { threads, executionProvider: provider }));
    const cases = systems.flatMap((system, i) =>
      batches.map((batch) => ({ system, session: sessions[i]!, batch })),
    );
    const subjects = cases.map(({ system, session, batch }) => {
      const pixels = noiseBatch(system.input, batch);
      return { run: () => session.run(pixels, batch) };
    });
    const times = await timeInBlocks(subjects, blocks);
    const median = (index: number) => quantile(times[index]!.ms, 0.5);
    const processor = (index: number) => quantile(times[index]!.cpuMs, 0.5);
    return cases.map(({ system, batch }, index): BenchRow => {
      const fp32 = cases.findIndex(
        (other) =>
          other.system.arch === system.arch && other.system.precision === "fp32" && other.batch === batch,
      );
      return {
        arch: system.arch,
        precision: system.precision,
        arithmetic: system.arithmetic,
        provider,
        input: `${system.input.width}x${system.input.height}`,
        batch,
        parameters: system.parameters,
        fileBytes: system.fileBytes,
        gflops: system.gflops === null ? null : rounded(system.gflops, 2),
        latencyMs: { median: rounded(median(index), 2), p95: rounded(quantile(times[index]!.ms, 0.95), 2) },
        imagesPerSecond: rounded((1000 * batch) / median(index), 2),
        cpuMs: rounded(processor(index), 2),
        speedupOverFp32: fp32 < 0 ? null : rounded(median(fp32) / median(index), 2),
        cpuSpeedupOverFp32: fp32 < 0 ? null : rounded(processor(fp32) / processor(index), 2),
      };
    });
  } finally {
    await Promise.all(sessions.map((session) => session.stop()));
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function status(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(50)}`);
}

function architectures(text: string): readonly string[] {
  const names = text === "all" ? articleSystems : text.split(",");
  const unknown = names.find((name) => !Object.hasOwn(ARCHITECTURES, name));
  if (unknown)
    throw new InvalidArgumentError(`${unknown} is none of ${Object.keys(ARCHITECTURES).join(", ")}, all`);
  return names;
}

function precisions(text: string): readonly BenchPrecision[] {
  return text.split(",").map((name) => {
    if (name !== "fp32" && name !== "int8") throw new InvalidArgumentError("fp32, int8 or fp32,int8");
    return name;
  });
}

function engines(text: string): readonly Engine[] {
  return text.split(",").map((name) => {
    const engine = ENGINES.find((each) => each === name);
    if (!engine) throw new InvalidArgumentError(`expected some of ${ENGINES.join(", ")}`);
    return engine;
  });
}

function inputSize(text: string): { width: number; height: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match) throw new InvalidArgumentError("a size such as 640 or 640x384");
  return { width: Number(match[1]), height: Number(match[2] ?? match[1]) };
}

function batches(text: string): readonly number[] {
  return text.split(",").map(wholeNumber(1));
}
