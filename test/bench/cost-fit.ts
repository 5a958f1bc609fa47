/** What of a process was measured in one run: its cost, and how much of each kind of work it did meanwhile. */
export interface CostSample {
  /** Processor time, milliseconds a second. */
  cost: number;
  /** Work by kind: frames a second, cameras, and so on; 1 of `process` for being there. Kinds that are left out are 0. */
  work: Readonly<Record<string, number>>;
}

export interface CostFit {
  /** Milliseconds of processor a second for each unit of work. */
  costs: Record<string, number>;
  /** Typical error of a sample: root mean square, of the mean cost. */
  error: number;
}

/**
 * Costs by kind of work, none of them negative, with the least sum of squared errors. `kinds` are few: every subset of them is solved, and the
 * best without a negative cost is taken, which is exact.
 * @throws RangeError when there are fewer samples than kinds, or so many kinds that this would take long
 */
export function fitCosts(samples: readonly CostSample[], kinds: readonly string[]): CostFit {
  if (samples.length < kinds.length)
    throw new RangeError(`${samples.length} samples do not tell ${kinds.length} costs apart`);
  if (kinds.length > 10) throw new RangeError("more than 10 kinds of work");
  let best: { costs: number[]; squares: number } | undefined;
  for (let subset = 0; subset < 1 << kinds.length; subset++) {
    const taken = kinds.map((_, i) => i).filter((i) => subset & (1 << i));
    const rows = samples.map(({ work }) => taken.map((i) => work[kinds[i]!] ?? 0));
    const solved = leastSquares(
      rows,
      samples.map(({ cost }) => cost),
    );
    if (!solved?.every((cost) => cost >= 0)) continue;
    const costs = kinds.map((_, i) => solved[taken.indexOf(i)] ?? 0);
    const squares = samples.reduce(
      (sum, each) => sum + (predict(each.work, kinds, costs) - each.cost) ** 2,
      0,
    );
    if (!best || squares < best.squares) best = { costs, squares };
  }
  const mean = samples.reduce((sum, { cost }) => sum + cost, 0) / samples.length;
  return {
    costs: Object.fromEntries(kinds.map((kind, i) => [kind, best!.costs[i]!])),
    error: mean === 0 ? 0 : Math.sqrt(best!.squares / samples.length) / mean,
  };
}

function predict(work: CostSample["work"], kinds: readonly string[], costs: readonly number[]): number {
  return kinds.reduce((sum, kind, i) => sum + (work[kind] ?? 0) * costs[i]!, 0);
}

/** Solves the normal equations by elimination with pivots; undefined when the columns do not differ enough. */
function leastSquares(rows: readonly number[][], values: readonly number[]): number[] | undefined {
  const size = rows[0]?.length ?? 0;
  // Columns of one scale, so that one bound tells whether a pivot is nothing.
  const scale = Array.from({ length: size }, (_, i) => Math.hypot(...rows.map((row) => row[i]!)));
  if (scale.includes(0)) return undefined;
  const scaled = rows.map((row) => row.map((value, i) => value / scale[i]!));
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => scaled.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    scaled.reduce((sum, row, k) => sum + row[i]! * values[k]!, 0),
  ]);
  for (let at = 0; at < size; at++) {
    const pivot = matrix.reduce(
      (most, row, i) => (i >= at && Math.abs(row[at]!) > Math.abs(matrix[most]![at]!) ? i : most),
      at,
    );
    [matrix[at], matrix[pivot]] = [matrix[pivot]!, matrix[at]!];
    const head = matrix[at]!;
    if (Math.abs(head[at]!) < 1e-9) return undefined;
    for (const [i, row] of matrix.entries()) {
      if (i === at) continue;
      const factor = row[at]! / head[at]!;
      for (let j = at; j <= size; j++) row[j]! -= factor * head[j]!;
    }
  }
  return matrix.map((row, i) => row[size]! / row[i]! / scale[i]!);
}

/** Which part of a core is used at most when it is said how much it carries: the rest is for bursts. */
const usableMs = 700;

/**
 * How many cameras a core carries in a process, used to 70%.
 * @param costs milliseconds of processor a second for each unit of work, `process` for being there
 * @param load work of one camera, by kind
 */
export function camerasPerCore(
  costs: Readonly<Record<string, number>>,
  load: Readonly<Record<string, number>>,
): number {
  const each = Object.entries(load).reduce((sum, [kind, amount]) => sum + (costs[kind] ?? 0) * amount, 0);
  return each === 0
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Math.floor((usableMs - (costs.process ?? 0)) / each));
}
