import type { ClassAgreement, Detection, ShadowBox, ShadowFrame } from "@sightline/contracts";

/** Boxes of one class that overlap by at least this are the same object. */
const sameIou = 0.5;
/** Most boxes of a frame that are reported. */
const maxBoxes = 60;

export interface Comparison extends Pick<ShadowFrame, "difference" | "boxes"> {
  classes: Record<string, ClassAgreement>;
}

const unseen: ClassAgreement = { both: 0, gained: 0, lost: 0, scoreChange: 0, scoreDistance: 0 };

/** Compares what two models found in one frame: pairs of boxes of one class, starting with those that overlap most. */
export function compareBoxes(camera: readonly Detection[], shadow: readonly Detection[]): Comparison {
  const pairs = camera.flatMap((one) =>
    shadow.flatMap((other) => {
      const overlap = one.className === other.className ? iou(one, other) : 0;
      return overlap >= sameIou ? [{ one, other, overlap }] : [];
    }),
  );
  pairs.sort((a, b) => b.overlap - a.overlap);
  const partner = new Map<Detection, Detection>();
  const taken = new Set<Detection>();
  for (const { one, other } of pairs) {
    if (partner.has(one) || taken.has(other)) continue;
    partner.set(one, other);
    taken.add(other);
  }
  const classes: Record<string, ClassAgreement> = Object.create(null);
  const boxes: ShadowBox[] = [];
  let difference = 0;
  const add = (kind: ShadowBox["kind"], one: Detection | undefined, other: Detection | undefined) => {
    const shown = (one ?? other)!;
    const counts = classes[shown.className] ?? { ...unseen };
    classes[shown.className] = counts;
    counts[kind]++;
    if (one && other) {
      counts.scoreChange += other.score - one.score;
      counts.scoreDistance += Math.abs(other.score - one.score);
    }
    difference += Math.abs((other?.score ?? 0) - (one?.score ?? 0));
    const { xMin, yMin, xMax, yMax } = shown.normalizedBox!;
    boxes.push({
      ...{ kind, class: shown.className, box: [xMin, yMin, xMax, yMax] },
      ...(one ? { score: one.score } : {}),
      ...(other ? { shadowScore: other.score } : {}),
    });
  };
  for (const one of camera) add(partner.has(one) ? "both" : "lost", one, partner.get(one));
  for (const other of shadow) if (!taken.has(other)) add("gained", undefined, other);
  // The largest differences come first, for when not all fit.
  const weight = (box: ShadowBox) => Math.abs((box.shadowScore ?? 0) - (box.score ?? 0));
  boxes.sort((a, b) => weight(b) - weight(a));
  return { classes: { ...classes }, boxes: boxes.slice(0, maxBoxes), difference };
}

/** Intersection over union of their boxes in pixels, 0..1. */
function iou({ pixelBox: a }: Detection, { pixelBox: b }: Detection): number {
  const width = Math.min(a!.xMax, b!.xMax) - Math.max(a!.xMin, b!.xMin);
  const height = Math.min(a!.yMax, b!.yMax) - Math.max(a!.yMin, b!.yMin);
  if (width <= 0 || height <= 0) return 0;
  const area = ({ xMin, yMin, xMax, yMax }: NonNullable<typeof a>) => (xMax - xMin) * (yMax - yMin);
  const both = width * height;
  return both / (area(a!) + area(b!) - both);
}
