/** How long runs of one batch size take. */
export interface CurvePoint {
  batch: number;
  /** Median of the runs. */
  milliseconds: number;
  /** The fastest run: other work on the machine can only slow a run down, so sizes are compared by their fastest runs. */
  fastest: number;
}

/** What matters when not all offered frames can be inferred: latency, throughput, or both. */
export const batchGoals = ["latency", "balanced", "throughput"] as const;
export type BatchGoal = (typeof batchGoals)[number];

/**
 * The share by which doubling the batch must raise throughput to be worth the added latency. `latency`: a run must take
 * less than √2 times as long, so that throughput divided by latency rises (Kleinrock's power).
 */
const worthwhile: Record<BatchGoal, number> = { latency: Math.SQRT2 - 1, balanced: 0.1, throughput: 0.02 };

/** The sizes to measure: 1, 2, 4, … and the largest. */
export function curveSizes(maxBatch: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < maxBatch; size *= 2) sizes.push(size);
  return [...sizes, maxBatch];
}

const throughput = ({ batch, fastest }: CurvePoint) => batch / fastest;

/**
 * Whether a larger batch raises throughput enough to be worth its latency. `margin` is required in addition, so that
 * repeated measurements do not change the decision back and forth.
 */
export function isWorthwhile(larger: CurvePoint, smaller: CurvePoint, goal: BatchGoal, margin = 0): boolean {
  const doublings = Math.log2(larger.batch / smaller.batch);
  return throughput(larger) > throughput(smaller) * (1 + worthwhile[goal] + margin) ** doublings;
}

/**
 * Whether larger batches than those measured may pay: not if the newest size brings less than the least that any goal asks for. Where runs
 * take as long as their frames one after the other, as on most CPUs, the larger sizes are the most expensive to measure.
 */
export function mayGrow(curve: readonly CurvePoint[]): boolean {
  const [smaller, larger] = curve.slice(-2);
  return !larger || isWorthwhile(larger, smaller!, "throughput");
}

/**
 * The batch size for overload: starting from the smallest, each size that is worthwhile compared with the one chosen
 * before.
 */
export function chooseBatchSize(curve: readonly CurvePoint[], goal: BatchGoal): number {
  return curve.reduce((chosen, point) => (isWorthwhile(point, chosen, goal) ? point : chosen)).batch;
}

/**
 * The largest batch, up to `limit`, that completes its frames sooner than running them one by one would on average. Where
 * several frames are present, this lowers latency, for example on a GPU. It is 1 where an additional frame costs about as
 * much as a separate run.
 */
export function soonestBatch(curve: readonly CurvePoint[], limit: number): number {
  const [first] = curve;
  const single = first!.fastest / first!.batch;
  const sooner = curve.filter(({ batch, fastest }) => batch <= limit && fastest < (single * (batch + 1)) / 2);
  return sooner.at(-1)?.batch ?? Math.min(first!.batch, limit);
}
