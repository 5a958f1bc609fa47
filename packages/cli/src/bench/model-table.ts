import type { ExecutionProvider } from "@sightline/yolo-nas";
import type { BenchPrecision } from "./model-systems.ts";

/** One measured system at one batch size, as `--json` prints it. */
export interface BenchRow {
  readonly arch: string;
  readonly precision: BenchPrecision;
  /** Its arithmetic: fp32, fp16 or int8. */
  readonly arithmetic: string;
  readonly provider: ExecutionProvider;
  readonly input: string;
  readonly batch: number;
  readonly parameters: number;
  readonly fileBytes: number;
  /** Null if unknown. */
  readonly gflops: number | null;
  readonly latencyMs: { readonly median: number; readonly p95: number };
  readonly imagesPerSecond: number;
  /** Median processor time of all threads, in milliseconds. */
  readonly cpuMs: number;
  /** From the median times; null when FP32 was not measured in the same run. */
  readonly speedupOverFp32: number | null;
  /** The same from processor time, which other work on the machine affects less. */
  readonly cpuSpeedupOverFp32: number | null;
}

interface Published {
  readonly ms: number;
  /** On COCO val2017, with the trained weights. */
  readonly ap: number;
}

/** Deci's published figures: milliseconds on an NVIDIA T4 at 640×640, batch 1, TensorRT, and AP (super-gradients YOLONAS.md). */
const publishedT4: Readonly<Record<string, Readonly<Record<BenchPrecision, Published>>>> = {
  yolo_nas_s: { fp32: { ms: 3.21, ap: 47.5 }, int8: { ms: 2.36, ap: 47.03 } },
  yolo_nas_m: { fp32: { ms: 5.85, ap: 51.55 }, int8: { ms: 3.78, ap: 51.0 } },
  yolo_nas_l: { fp32: { ms: 7.87, ap: 52.22 }, int8: { ms: 4.78, ap: 52.1 } },
};

/**
 * The systems side by side, with the published figures next to them. `withoutInt8` gives the reason why INT8 was not measured; then each FP32
 * system is followed by its INT8 system with published figures only.
 */
export function modelTable(rows: readonly BenchRow[], withoutInt8?: string): string {
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
    "cpu ms",
    "vs float",
    "T4 ms*",
    "T4 AP*",
  ];
  const measured = (row: BenchRow) => [
    `${row.arch} ${row.arithmetic}`,
    row.input,
    String(row.batch),
    (row.parameters / 1e6).toFixed(2),
    (row.fileBytes / 1e6).toFixed(1),
    row.gflops?.toFixed(1) ?? "–",
    row.latencyMs.median.toFixed(1),
    row.latencyMs.p95.toFixed(1),
    row.imagesPerSecond.toFixed(1),
    times(row.speedupOverFp32),
    row.cpuMs.toFixed(1),
    times(row.cpuSpeedupOverFp32),
    ...published(row.arch, row.precision),
  ];
  const notMeasured = ({ arch, input, batch }: BenchRow) => [
    ...[`${arch} int8`, input, String(batch), ...Array<string>(9).fill("–")],
    ...published(arch, "int8"),
  ];
  const body = rows.flatMap((row) =>
    withoutInt8 === undefined ? [measured(row)] : [measured(row), notMeasured(row)],
  );
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [
    line(head),
    ...body.map(line),
    "",
    `ONNX Runtime's provider ${rows[0]?.provider}; GFLOPs count a multiplication and an addition as two; "cpu ms" is the median processor`,
    "time of all threads, and the next column compares it. With more than one thread it holds time spent waiting for each other.",
    ...(withoutInt8 === undefined ? [] : [`–: ${withoutInt8}`]),
    "* reference only: published by Deci for an NVIDIA T4 with TensorRT at 640x640, batch 1, and for COCO val2017; not measured here.",
  ].join("\n");
}

/** Milliseconds and AP; dashes where nothing was published. */
function published(arch: string, precision: BenchPrecision): string[] {
  const found = publishedT4[arch]?.[precision];
  return found ? [found.ms.toFixed(2), found.ap.toFixed(2)] : ["–", "–"];
}

function times(ratio: number | null): string {
  return ratio === null ? "–" : `${ratio.toFixed(2)}×`;
}
