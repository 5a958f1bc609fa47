import { type Attribute, AttributeReading } from "./gen/sightline/v1/attribute.ts";
import type { Detection } from "./gen/sightline/v1/detection.ts";
import type { FrameMetadata } from "./gen/sightline/v1/frame.ts";

/** At most this many objects of a frame are looked at: the largest. */
const maxObjects = 16;
/** Boxes with a shorter side than this, in pixels of the frame, show nothing useful. */
const minSide = 8;
/** Values that are less probable are not reported. */
const leastProbability = 0.01;

/** The objects of a frame that a second stage looks at, and their boxes in pixels of the frame: x1, y1, x2, y2 each. */
export function chosenObjects(
  { letterbox, sourceWidth, sourceHeight }: Pick<FrameMetadata, "letterbox" | "sourceWidth" | "sourceHeight">,
  detections: readonly Detection[],
  classes: ReadonlySet<string> | undefined,
): { objects: Detection[]; boxes: Float32Array; leftOut: number } {
  const { left, top, width, height } = letterbox!;
  const [across, down] = [width / sourceWidth, height / sourceHeight];
  const ofClass = detections.filter(({ className }) => classes?.has(className) ?? true);
  const placed = ofClass.flatMap((object) => {
    const { xMin, yMin, xMax, yMax } = object.pixelBox!;
    // What lies outside the picture shows padding in the frame.
    const x1 = left + Math.max(0, xMin) * across;
    const y1 = top + Math.max(0, yMin) * down;
    const x2 = left + Math.min(sourceWidth, xMax) * across;
    const y2 = top + Math.min(sourceHeight, yMax) * down;
    return x2 - x1 >= minSide && y2 - y1 >= minSide ? { object, box: [x1, y1, x2, y2] as const } : [];
  });
  const area = ({ box: [x1, y1, x2, y2] }: (typeof placed)[number]) => (x2 - x1) * (y2 - y1);
  const chosen = placed.sort((a, b) => area(b) - area(a)).slice(0, maxObjects);
  return {
    objects: chosen.map(({ object }) => object),
    boxes: Float32Array.from(chosen.flatMap(({ box }) => box)),
    leftOut: ofClass.length - chosen.length,
  };
}

/** Adds a second stage's results to the objects: `probabilities` has the values of each attribute, object after object. */
export function addReadings(
  objects: readonly Detection[],
  attributes: readonly { readonly name: string; readonly values: readonly string[] }[],
  probabilities: readonly Float32Array[],
): void {
  for (const [index, { name, values }] of attributes.entries())
    for (const [at, object] of objects.entries()) {
      const own = probabilities[index]!.subarray(at * values.length, (at + 1) * values.length);
      const told = values
        .map((value, i) => ({ value, probability: own[i]! }))
        .filter(({ probability }) => probability >= leastProbability)
        .sort((a, b) => b.probability - a.probability);
      object.attributeReadings.push(AttributeReading.fromPartial({ name, values: told }));
    }
}

/** A value is accepted from this probability. */
export const likelyFrom = 0.5;

/** What a single frame says about an object. */
export function likelyAttributes(readings: readonly AttributeReading[]): Attribute[] {
  return readings.flatMap(({ name, values: [best] }) =>
    best && best.probability >= likelyFrom ? [{ name, value: best.value, score: best.probability }] : [],
  );
}
