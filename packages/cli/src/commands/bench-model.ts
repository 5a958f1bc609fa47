import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ARCHITECTURES,
  architecture,
  DetectorSession,
  EXECUTION_PROVIDERS,
  type ExecutionProvider,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { quantile, timeInBlocks } from "../bench/alternating-blocks.ts";
import {
  type BenchPrecision,
  buildEngines,
  type ModelSystem,
  makeSystems,
  randomFrame,
} from "../bench/model-systems.ts";
import { wholeNumber } from "../number-options.ts";
import { untilSignal } from "../signals.ts";

interface BenchOptions {
  readonly arch: readonly string[];
  readonly precision: readonly BenchPrecision[];
  readonly input: { width: number; height: number };
  readonly batch: readonly number[];
  readonly rounds: number;
  readonly blockMs: number;
  readonly threads?: number;
  readonly provider: ExecutionProvider;
  readonly optimizationLevel?: number;
  readonly json?: boolean;
}

/** One measured system at one batch size, as `--json` prints it. */
interface BenchRow {
  readonly arch: string;
  readonly precision: BenchPrecision;
  /** What it computes in: fp32, fp16 or int8. */
  readonly arithmetic: string;
  readonly provider: ExecutionProvider;
  readonly input: string;
  readonly batch: number;
  readonly parameters: number;
  readonly fileBytes: number;
  readonly gflops: number;
  readonly latencyMs: { readonly median: number; readonly p95: number };
  readonly imagesPerSecond: number;
  /** Null when FP32 was not measured in the same run. */
  readonly speedupOverFp32: number | null;
}

/** The six systems of the articles. */
const articleSystems = ["yolo_nas_s", "yolo_nas_m", "yolo_nas_l"];

interface Published {
  readonly ms: number;
  /** COCO val2017, with the trained weights. */
  readonly ap: number;
}

/** What Deci published: milliseconds on an NVIDIA T4 at 640×640, batch 1, TensorRT, and AP (super-gradients YOLONAS.md). */
const publishedT4: Readonly<Record<string, Readonly<Record<BenchPrecision, Published>>>> = {
  yolo_nas_s: { fp32: { ms: 3.21, ap: 47.5 }, int8: { ms: 2.36, ap: 47.03 } },
  yolo_nas_m: { fp32: { ms: 5.85, ap: 51.55 }, int8: { ms: 3.78, ap: 51.0 } },
  yolo_nas_l: { fp32: { ms: 7.87, ap: 52.22 }, int8: { ms: 4.78, ap: 52.1 } },
};

/** `sightline bench model`: the six systems side by side on this machine, measured in one run. */
export function benchModelCommand(): Command {
  return new Command("model")
    .description("measure YOLO-NAS S, M and L in FP32 and INT8 on this machine, in alternating blocks")
    .addOption(
      new Option("--arch <names>", "comma-separated architectures, or all")
        .argParser(architectures)
        .default(articleSystems, articleSystems.join(",")),
    )
    .addOption(
      new Option("--precision <names>", "fp32, int8, or both, separated by a comma")
        .argParser(precisions)
        .default(["fp32", "int8"] as const, "fp32,int8"),
    )
    .addOption(
      new Option("--input <size>", "input size, 640 or 640x384")
        .argParser(inputSize)
        .default({ width: 640, height: 640 }, "640"),
    )
    .addOption(
      new Option("--batch <sizes>", "comma-separated batch sizes").argParser(batches).default([1], "1"),
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
    .option("--threads <n>", "threads of an inference (default: one per physical core)", wholeNumber(1))
    .option("--json", "print the rows as JSON")
    .action(bench);
}

async function bench(options: BenchOptions): Promise<void> {
  const signal = untilSignal();
  const { provider } = options;
  // In ONNX Runtime's CUDA provider a quantised graph runs in float, with conversions between all layers.
  const precision =
    provider === "cuda" ? options.precision.filter((name) => name !== "int8") : options.precision;
  if (precision.length === 0)
    throw new InvalidArgumentError("the CUDA provider has no INT8; --provider tensorrt has");
  if (precision.length < options.precision.length)
    console.error("INT8 is left out: the CUDA provider has none");
  const folder = await mkdtemp(join(tmpdir(), "sightline-bench-"));
  try {
    const made = await makeSystems({
      architectures: options.arch.map(architecture),
      precisions: precision,
      provider,
      input: options.input,
      folder,
      signal,
      onStep: status,
    });
    const { optimizationLevel, batch } = options;
    const builds = { signal, onStep: status, maxBatch: Math.max(...batch), optimizationLevel };
    const systems = provider === "tensorrt" ? await buildEngines(made, builds) : made;
    const rows = await measure(systems, options, signal);
    console.log(options.json ? JSON.stringify(rows, undefined, 2) : table(rows));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  systems: readonly ModelSystem[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<BenchRow[]> {
  const sessions: DetectorSession[] = [];
  try {
    for (const { file } of systems)
      sessions.push(
        await DetectorSession.load(file, { threads: options.threads, executionProvider: options.provider }),
      );
    const frame = randomFrame(options.input).pixels;
    const cases = systems.flatMap((system, i) =>
      options.batch.map((batch) => ({ system, session: sessions[i]!, batch })),
    );
    const subjects = cases.map(({ session, batch }) => {
      const pixels = new Uint8Array(batch * frame.length);
      for (let i = 0; i < batch; i++) pixels.set(frame, i * frame.length);
      return { run: () => session.run(pixels, batch) };
    });
    const { rounds, blockMs } = options;
    const onBlock = (done: number, total: number) => status(`measuring, block ${done} of ${total}`);
    const times = await timeInBlocks(subjects, { rounds, blockMs, signal, onBlock });
    const median = (index: number) => quantile(times[index]!, 0.5);
    return cases.map(({ system, batch }, index): BenchRow => {
      const fp32 = cases.findIndex(
        (other) =>
          other.system.arch === system.arch && other.system.precision === "fp32" && other.batch === batch,
      );
      return {
        arch: system.arch,
        precision: system.precision,
        arithmetic: system.arithmetic,
        provider: options.provider,
        input: `${options.input.width}x${options.input.height}`,
        batch,
        parameters: system.parameters,
        fileBytes: system.fileBytes,
        gflops: rounded(system.gflops, 2),
        latencyMs: { median: rounded(median(index), 2), p95: rounded(quantile(times[index]!, 0.95), 2) },
        imagesPerSecond: rounded((1000 * batch) / median(index), 2),
        speedupOverFp32: fp32 < 0 ? null : rounded(median(fp32) / median(index), 2),
      };
    });
  } finally {
    await Promise.all(sessions.map((session) => session.stop()));
  }
}

function table(rows: readonly BenchRow[]): string {
  const head = [
    "system",
    "input",
    "batch",
    "params M",
    "file MB",
    "GFLOPs",
    "median ms",
    "p95 ms",
    "images/s",
    "vs float",
    "T4 ms*",
    "T4 AP*",
  ];
  const body = rows.map((row) => [
    `${row.arch} ${row.arithmetic}`,
    row.input,
    String(row.batch),
    (row.parameters / 1e6).toFixed(2),
    (row.fileBytes / 1e6).toFixed(1),
    row.gflops.toFixed(1),
    row.latencyMs.median.toFixed(1),
    row.latencyMs.p95.toFixed(1),
    row.imagesPerSecond.toFixed(1),
    row.speedupOverFp32 === null ? "–" : `${row.speedupOverFp32.toFixed(2)}×`,
    publishedT4[row.arch]?.[row.precision].ms.toFixed(2) ?? "–",
    publishedT4[row.arch]?.[row.precision].ap.toFixed(2) ?? "–",
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [
    line(head),
    ...body.map(line),
    "",
    `Random weights, ONNX Runtime's provider ${rows[0]?.provider}; GFLOPs count a multiplication and an addition as two.`,
    "* reference only: published by Deci for an NVIDIA T4 with TensorRT at 640x640, batch 1, and for COCO val2017; not measured here.",
  ].join("\n");
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

function inputSize(text: string): { width: number; height: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match) throw new InvalidArgumentError("a size such as 640 or 640x384");
  return { width: Number(match[1]), height: Number(match[2] ?? match[1]) };
}

function batches(text: string): readonly number[] {
  return text.split(",").map(wholeNumber(1));
}
