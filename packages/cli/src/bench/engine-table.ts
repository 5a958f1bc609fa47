import { textTable } from "../text-table.ts";
import { quantile, type RunTimes } from "./alternating-blocks.ts";
import type { ModelSystem } from "./model-systems.ts";

/**
 * The engine that runs a graph. OpenVINO computes the unquantised parts in 32 bits, as ONNX Runtime does; `openvino-bf16` computes them
 * in bfloat16, OpenVINO's default on processors that support it.
 */
export const ENGINES = ["onnxruntime", "openvino", "openvino-bf16"] as const;
export type Engine = (typeof ENGINES)[number];

/** Times of one system in one engine at one batch size. */
export interface EngineTimes {
  readonly system: Pick<ModelSystem, "arch" | "precision" | "input">;
  readonly engine: Engine;
  readonly batch: number;
  /** Floating-point type of the unquantised parts: f32 or bf16. */
  readonly floats: string;
  /** The times of runs with the whole batch; or why the engine could not load the graph. */
  readonly outcome: { readonly times: RunTimes } | { readonly error: string };
}

/** A run's time divided by the batch size. `cpu` is the median processor time of all threads. */
interface PerImage {
  readonly median: number;
  readonly fastest: number;
  readonly p95: number;
  readonly cpu: number;
}

/** One of these results as `--json` prints it. */
export interface EngineRow {
  readonly arch: string;
  readonly precision: string;
  readonly input: string;
  readonly engine: Engine;
  readonly floats: string;
  readonly batch: number;
  readonly threads: number;
  readonly runs: number;
  /** Milliseconds; null when the engine could not load the graph. */
  readonly msPerImage: PerImage | null;
  /** This engine's speed divided by ONNX Runtime's in the same run: above 1 it is faster. Null unless both were measured. */
  readonly speedOverOnnxRuntime: Omit<PerImage, "p95"> | null;
  /** Why the engine could not load the graph. */
  readonly error?: string;
}

export function engineRows(cases: readonly EngineTimes[], threads: number): EngineRow[] {
  return cases.map((each): EngineRow => {
    const { system, engine, batch, floats, outcome } = each;
    const reference = cases.find(
      (other) => other.engine === "onnxruntime" && other.batch === batch && other.system === system,
    );
    const mine = perImage(each);
    const theirs = reference && perImage(reference);
    return {
      arch: system.arch,
      precision: system.precision,
      input: `${system.input.width}x${system.input.height}`,
      engine,
      floats,
      batch,
      threads,
      runs: "times" in outcome ? outcome.times.ms.length : 0,
      msPerImage: mine && {
        median: rounded(mine.median),
        fastest: rounded(mine.fastest),
        p95: rounded(mine.p95),
        cpu: rounded(mine.cpu),
      },
      speedOverOnnxRuntime:
        mine && theirs
          ? {
              median: rounded(theirs.median / mine.median),
              fastest: rounded(theirs.fastest / mine.fastest),
              cpu: rounded(theirs.cpu / mine.cpu),
            }
          : null,
      ...("error" in outcome ? { error: outcome.error } : {}),
    };
  });
}

function perImage({ outcome, batch }: EngineTimes) {
  if ("error" in outcome) return null;
  const of = (times: readonly number[], part: number) => quantile(times, part) / batch;
  const { ms, cpuMs } = outcome.times;
  return { median: of(ms, 0.5), fastest: of(ms, 0), p95: of(ms, 0.95), cpu: of(cpuMs, 0.5) };
}

/** A line for each system in each engine, with four columns per batch size. */
export function engineTable(rows: readonly EngineRow[], openVino: string | undefined): string {
  const batches = [...new Set(rows.map(({ batch }) => batch))];
  const lineOf = (row: EngineRow) => `${row.arch} ${row.precision} ${row.input} ${row.engine}`;
  const lines = Map.groupBy(rows, lineOf);
  const head = ["system", "input", "engine", "floats"];
  for (const batch of batches) head.push(`batch ${batch}: ms/image`, "fastest", "cpu ms", "vs ONNX Runtime");
  const body = [...lines.values()].map((ofLine) => {
    const { arch, precision, input, engine, floats } = ofLine[0]!;
    const cells = batches.flatMap((batch) => {
      const row = ofLine.find((each) => each.batch === batch);
      if (!row?.msPerImage) return ["–", "–", "–", "–"];
      const speed = row.speedOverOnnxRuntime;
      return [
        row.msPerImage.median.toFixed(1),
        row.msPerImage.fastest.toFixed(1),
        row.msPerImage.cpu.toFixed(1),
        speed ? `${speed.median.toFixed(2)}×` : "–",
      ];
    });
    return [`${arch} ${precision}`, input, engine, floats, ...cells];
  });
  const failed = [...lines].flatMap(([line, [row]]) => (row?.error ? [`${line}: ${row.error}`] : []));
  return [
    textTable([head, ...body]),
    "",
    ...failed,
    `${rows[0]?.threads} threads each, prepared graphs; milliseconds of a run divided by its images, the median of all runs; "cpu ms"`,
    `is the processor time of all threads. "vs ONNX Runtime" compares the medians of this run: above 1 the engine is faster.`,
    ...(openVino
      ? [
          `OpenVINO ${openVino}: fixed batch, latency hint, one stream (INFERENCE_NUM_THREADS ${rows[0]?.threads}).`,
        ]
      : []),
  ].join("\n");
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
