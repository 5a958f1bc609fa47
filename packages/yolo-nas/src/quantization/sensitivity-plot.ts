import type { QuantizationReport } from "./quantization-report.ts";

const ROW = 14;
const LEFT = 380;
const BAR = 460;
const TOP = 54;

/**
 * The per-layer error as an SVG: one bar per layer in graph order, logarithmic, layers left in float marked with the reason. Needs no
 * library and no script, and opens in any browser.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * const report: QuantizationReport = JSON.parse(await readFile("models/yolo-nas-pedestrians/int8.report.json", "utf8"));
 * assert.match(sensitivityPlot(report), /^<svg/);
 * ```
 */
export function sensitivityPlot(report: QuantizationReport): string {
  const errors = report.layers.map((layer) => layer.error ?? 0);
  const positive = errors.filter((error) => error > 0);
  const top = Math.ceil(Math.log10(Math.max(...positive, 1e-6)));
  const bottom = Math.min(top - 1, Math.floor(Math.log10(Math.min(...positive, 10 ** (top - 1)))));
  const x = (error: number) => (error <= 0 ? 0 : ((Math.log10(error) - bottom) / (top - bottom)) * BAR);
  const height = TOP + report.layers.length * ROW + 20;
  const ticks = Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i).map((power) => {
    const at = LEFT + x(10 ** power);
    return (
      `<line x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - 20}" stroke="#ddd"/>` +
      `<text x="${at}" y="${TOP - 10}" text-anchor="middle">1e${power}</text>`
    );
  });
  const rows = report.layers.map((layer, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, x(errors[index]!));
    const colour = layer.skipped === undefined ? "#2a78b8" : "#c8642a";
    const note = layer.skipped === undefined ? "" : `in float: ${layer.skipped}`;
    return (
      `<text x="${LEFT - 6}" y="${y + 10}" text-anchor="end">${escapeXml(layer.name)}</text>` +
      `<rect x="${LEFT}" y="${y + 1}" width="${width.toFixed(1)}" height="${ROW - 4}" fill="${colour}"/>` +
      `<text x="${LEFT + width + 6}" y="${y + 10}" fill="#c8642a">${escapeXml(note)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + BAR + 260}" height="${height}" font-family="sans-serif" font-size="10">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="10" y="18" font-size="13">Error at the prediction layers when one layer alone is INT8 (noise / signal)</text>`,
    ...ticks,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
