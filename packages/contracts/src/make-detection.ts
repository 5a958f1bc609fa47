import { Detection } from "./gen/sightline/v1/detection.ts";

/** A detection's message from its box in pixels (left, top, right, bottom) of a picture of the given size. */
export function makeDetection(
  object: {
    classId: number;
    className: string;
    score: number;
    box: readonly [number, number, number, number];
  },
  picture: { width: number; height: number },
): Detection {
  const { classId, className, score } = object;
  const [xMin, yMin, xMax, yMax] = object.box;
  const { width, height } = picture;
  return Detection.fromPartial({
    classId,
    className,
    score,
    pixelBox: { xMin, yMin, xMax, yMax },
    normalizedBox: { xMin: xMin / width, yMin: yMin / height, xMax: xMax / width, yMax: yMax / height },
  });
}
