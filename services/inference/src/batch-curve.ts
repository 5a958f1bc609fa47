/** How long runs of one batch size take. */
export interface CurvePoint {
  batch: number;
  /** Median of the runs. */
  milliseconds: number;
  /** The fastest run: other work on the machine can only slow a run down, so sizes are compared by it. */
  fastest: number;
}

/** A batch must raise throughput by more than this share to be worth its latency. */
const worthwhile = 0.05;

/** The sizes to measure: 1, 2, 4, … and the largest. */
export function curveSizes(maxBatch: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < maxBatch; size *= 2) sizes.push(size);
  return [...sizes, maxBatch];
}

const throughput = ({ batch, fastest }: CurvePoint) => batch / fastest;

/** Whether a larger batch raises throughput over all that were measured, by enough to be worth its latency. */
export function isWorthwhile(larger: CurvePoint, measured: readonly CurvePoint[]): boolean {
  return measured.every((point) => throughput(larger) > throughput(point) * (1 + worthwhile));
}

/** The smallest measured batch whose throughput is within 5% of the best; 1 on a CPU, where batching gains nothing. */
export function chooseBatchSize(curve: readonly CurvePoint[]): number {
  const best = Math.max(...curve.map(throughput));
  return curve.find((point) => throughput(point) >= best * (1 - worthwhile))!.batch;
}
