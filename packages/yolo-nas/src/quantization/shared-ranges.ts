import type { Range } from "./calibration-range.ts";
import type { QuantizationPlan } from "./quantization-plan.ts";

/**
 * Give tensors that are joined by a MaxPool or Concat a common range if that costs little, so that ONNX Runtime moves their bytes instead
 * of requantising them: always through MaxPool (its integer form demands it), through Concat when the narrower range is at least
 * `tolerance` of the joint one (at 0.5 a branch loses at most one bit). A tensor in `fixed` (the pixels) keeps its range.
 */
export function shareRanges(
  plan: QuantizationPlan,
  ranges: ReadonlyMap<string, Range>,
  tolerance: number,
  fixed: ReadonlySet<string> = new Set(),
): Map<string, Range> {
  const shared = new Map(ranges);
  const group = new Map<string, Set<string>>();
  const groupOf = (name: string) => group.get(name) ?? new Set([name]);
  const join = (members: Set<string>) => {
    const range = joint([...members].map((name) => shared.get(name)!));
    for (const name of members) {
      group.set(name, members);
      shared.set(name, range);
    }
  };
  for (const kind of ["MaxPool", "Concat"]) {
    for (const { node, operands, output } of plan.passages) {
      if (node.op !== kind) continue;
      const names = [output, ...operands.map((operand) => operand.tensor)];
      const members = new Set(names.flatMap((name) => [...groupOf(name)]));
      if ([...members].some((name) => fixed.has(name) || !shared.has(name))) continue;
      const whole = width(joint([...members].map((name) => shared.get(name)!)));
      const narrowest = Math.min(...[...members].map((name) => width(ranges.get(name)!)));
      // A tensor that is never negative must keep its zero-point 0, or its ReLU could no longer be folded away.
      const signs = new Set([...members].map((name) => shared.get(name)!.low < 0));
      if (kind === "MaxPool" || (signs.size === 1 && narrowest >= tolerance * whole)) join(members);
    }
  }
  return shared;
}

function joint(ranges: readonly Range[]): Range {
  return { low: Math.min(...ranges.map((r) => r.low)), high: Math.max(...ranges.map((r) => r.high)) };
}

function width({ low, high }: Range): number {
  return high - low;
}
