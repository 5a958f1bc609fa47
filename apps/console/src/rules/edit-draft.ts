import { gone, type Point, type RuleDraft, type RulesDraft, type Shape } from "./rules-draft.ts";

/** Limits a coordinate to the picture. */
const within = (value: number) => Math.min(1, Math.max(0, value));

export function addShape(draft: RulesDraft, shape: Shape): RulesDraft {
  return { ...draft, shapes: [...draft.shapes, shape] };
}

/** Removes the shape; rules that use it keep its name, and are reported as faulty until they have another place. */
export function removeShape(draft: RulesDraft, key: string): RulesDraft {
  const removed = draft.shapes.find((shape) => shape.key === key);
  if (!removed) return draft;
  const left = (place: string) => (place === key ? gone(removed.name) : place);
  return {
    ...draft,
    shapes: draft.shapes.filter((shape) => shape.key !== key),
    rules: draft.rules.map((rule) => ({ ...rule, zone: left(rule.zone), line: left(rule.line) })),
  };
}

export function changeShape(draft: RulesDraft, key: string, change: Partial<Shape>): RulesDraft {
  return {
    ...draft,
    shapes: draft.shapes.map((shape) => (shape.key === key ? { ...shape, ...change } : shape)),
  };
}

/** Moves a point to a place, at most to the picture's edge. */
export function movePoint(draft: RulesDraft, key: string, index: number, [x, y]: Point): RulesDraft {
  return changePoints(draft, key, (points) =>
    points.map((point, at) => (at === index ? ([within(x), within(y)] as const) : point)),
  );
}

/** Moves a whole shape, but keeps all of it in the picture. */
export function moveShape(draft: RulesDraft, key: string, [dx, dy]: Point): RulesDraft {
  return changePoints(draft, key, (points) => {
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
    const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
    return points.map(([px, py]) => [px + x, py + y] as const);
  });
}

/** Adds a point in the middle of the edge that begins at point `index`. */
export function splitEdge(draft: RulesDraft, key: string, index: number): RulesDraft {
  return changePoints(draft, key, (points) => {
    const from = points[index];
    const to = points[(index + 1) % points.length];
    if (!from || !to) return points;
    return points.toSpliced(index + 1, 0, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
  });
}

/** Removes a corner, unless the shape would then be invalid. */
export function removePoint(draft: RulesDraft, key: string, index: number): RulesDraft {
  return changePoints(draft, key, (points) => (points.length > 3 ? points.toSpliced(index, 1) : points));
}

/** Reverses a line, so that left becomes right. */
export function reverseLine(draft: RulesDraft, key: string): RulesDraft {
  return changePoints(draft, key, (points) => points.toReversed());
}

export function addRule(draft: RulesDraft, rule: RuleDraft): RulesDraft {
  return { ...draft, rules: [...draft.rules, rule] };
}

export function changeRule(draft: RulesDraft, key: string, change: Partial<RuleDraft>): RulesDraft {
  return { ...draft, rules: draft.rules.map((rule) => (rule.key === key ? { ...rule, ...change } : rule)) };
}

export function removeRule(draft: RulesDraft, key: string): RulesDraft {
  return { ...draft, rules: draft.rules.filter((rule) => rule.key !== key) };
}

function changePoints(
  draft: RulesDraft,
  key: string,
  change: (points: readonly Point[]) => readonly Point[],
): RulesDraft {
  return {
    ...draft,
    shapes: draft.shapes.map((shape) =>
      shape.key === key ? { ...shape, points: change(shape.points) } : shape,
    ),
  };
}
