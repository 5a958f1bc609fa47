/** How long runs of one batch size take. */
export interface CurvePoint {
  batch: number;
  /** Median of the runs. */
  milliseconds: number;
  /** The fastest run: other work on the machine can only slow a run down, so sizes are compared by it. */
  fastest: number;
}

/** What counts where not all that is offered can be inferred: how soon, how much, or both. */
export const batchGoals = ["latency", "balanced", "throughput"] as const;
export type BatchGoal = (typeof batchGoals)[number];

/**
 * By what share twice the batch must raise throughput to be worth its latency. `latency`: a run takes less than √2 times as long, so
 * that throughput divided by latency rises (Kleinrock's power).
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
 * Whether a larger batch raises throughput by enough to be worth its latency; `margin` is asked for beyond that, so that
 * what was measured twice is not decided twice.
 */
export function isWorthwhile(larger: CurvePoint, smaller: CurvePoint, goal: BatchGoal, margin = 0): boolean {
  const doublings = Math.log2(larger.batch / smaller.batch);
  return throughput(larger) > throughput(smaller) * (1 + worthwhile[goal] + margin) ** doublings;
}

/** The batch for more than can be inferred: from the smallest on, each that is worthwhile against the one chosen before. */
export function chooseBatchSize(curve: readonly CurvePoint[], goal: BatchGoal): number {
  return curve.reduce((chosen, point) => (isWorthwhile(point, chosen, goal) ? point : chosen)).batch;
}

/**
 * The largest batch, up to `limit`, that has its frames done sooner than they would be on average one after the other. Where there
 * is more than one frame, it lowers latency, as on a GPU. 1 where a frame more costs about as much as a run of its own.
 */
export function soonestBatch(curve: readonly CurvePoint[], limit: number): number {
  const [first] = curve;
  const single = first!.fastest / first!.batch;
  const sooner = curve.filter(({ batch, fastest }) => batch <= limit && fastest < (single * (batch + 1)) / 2);
  return sooner.at(-1)?.batch ?? Math.min(first!.batch, limit);
}
