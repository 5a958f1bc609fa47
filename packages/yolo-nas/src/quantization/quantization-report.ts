import type { CalibrationMethod } from "./calibration-range.ts";
import type { SkipReason } from "./select-layers.ts";

/** One layer of the report. Values that were not measured are undefined. */
export interface LayerReport {
  readonly name: string;
  readonly operator: string;
  readonly weights: number;
  /** Noise energy over signal energy at the prediction layers when only this layer is quantised. */
  readonly error: number | undefined;
  /** Points of box AP lost when only this layer is quantised. */
  readonly apDrop: number | undefined;
  readonly floatMs: number | undefined;
  readonly int8Ms: number | undefined;
  /** Why the layer is in float; undefined when it is quantised. */
  readonly skipped: SkipReason | undefined;
}

/** What a quantisation did and why; plain data, written beside the models as JSON. */
export interface QuantizationReport {
  readonly method: CalibrationMethod;
  readonly calibrationFrames: number;
  readonly maxApDrop: number;
  /** Box AP (0…100) on the labelled frames, by encoding, and what the worse one loses; undefined without labels. */
  readonly ap:
    | { readonly float: number; readonly cpu: number; readonly tensorrt: number; readonly drop: number }
    | undefined;
  readonly layers: readonly LayerReport[];
}

/**
 * The report as text: what was done, then one row a layer.
 *
 * @example
 * ```ts
 * const done = { method: { kind: "mse" }, calibrationFrames: 64, maxApDrop: 0.5 } as const;
 * const text = reportTable({ ...done, ap: { float: 67.4, cpu: 67.4, tensorrt: 67.3, drop: 0.1 }, layers: [] });
 * assert.match(text, /^Calibrated by mse on 64 frames/);
 * ```
 */
export function reportTable(report: QuantizationReport): string {
  const skipped = report.layers.filter((layer) => layer.skipped !== undefined);
  const method =
    report.method.kind === "percentile" ? `percentile ${report.method.percentile}` : report.method.kind;
  const lines = [
    `Calibrated by ${method} on ${report.calibrationFrames} frames; ` +
      `${report.layers.length - skipped.length} of ${report.layers.length} layers in INT8.`,
  ];
  if (report.ap) {
    const { float, cpu, tensorrt, drop } = report.ap;
    const verdict = drop <= report.maxApDrop ? "within" : "OUTSIDE";
    lines.push(
      `Box AP ${float.toFixed(2)} in float, ${cpu.toFixed(2)} in INT8 on this CPU, ${tensorrt.toFixed(2)} in TensorRT's INT8 ` +
        `(simulated): at most ${drop.toFixed(2)} lost, ${verdict} the bar of ${report.maxApDrop}.`,
    );
  }
  const measured = report.layers.some((layer) => layer.error !== undefined);
  const listed = measured ? report.layers : skipped;
  if (listed.length === 0) return lines.join("\n");
  const rows = listed.map((layer) => [
    layer.name,
    number(layer.error, 6),
    number(layer.apDrop, 2),
    number(layer.floatMs, 2),
    number(layer.int8Ms, 2),
    layer.skipped ?? "",
  ]);
  return [
    ...lines,
    "",
    table([["layer", "error", "AP drop", "float ms", "INT8 ms", "in float because"], ...rows]),
  ].join("\n");
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "–" : value.toFixed(digits);
}

function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
      )
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

/** What a long quantisation is doing: `done` of `total` steps of a stage. */
export interface QuantizationProgress {
  readonly stage:
    | "calibrating"
    | "measuring inputs"
    | "rounding weights"
    | "correcting biases"
    | "measuring layers"
    | "measuring AP"
    | "timing layers";
  readonly done: number;
  readonly total: number;
}

export type ReportProgress = (progress: QuantizationProgress) => void;
