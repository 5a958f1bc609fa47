/** Fits a picture into the model's input in the way of the model's family. */
import { type PlacedPicture, type Placement, pictureScale, placePicture, type Size } from "@sightline/media";
import { InvalidArgumentError } from "../errors.ts";

export type { Placement, Size };

/**
 * Where a picture lies in the model's input: scaled with its shape kept, in the centre or the upper left corner, with padding; or
 * stretched over the whole input.
 */
export const PLACEMENTS = ["centre", "corner", "stretch"] as const satisfies readonly Placement[];

/** How a source picture lies in the model's input. Lengths are in pixels. */
export interface Letterbox {
  readonly source: Size;
  /** The picture after scaling. */
  readonly scaled: Size;
  readonly input: Size;
  /** Scaled pixels per source pixel, before the size was rounded. */
  readonly scale: number;
  /** The same from top to bottom, if it differs: in a stretched picture. */
  readonly verticalScale?: number | undefined;
  readonly left: number;
  readonly top: number;
}

/** Value of every channel of the padding. */
export const PAD_VALUE = 114;

/** super-gradients scales into 636×636 of 640×640: this much stays free in each direction. */
const FIT_MARGIN = 4;

/**
 * The largest picture that fits the input with super-gradients' margin: 636×636 for 640×640.
 *
 * @example
 * ```ts
 * assert.deepEqual(fitWithin({ width: 640, height: 640 }), { width: 636, height: 636 });
 * ```
 */
export function fitWithin(input: Size): Size {
  return { width: input.width - FIT_MARGIN, height: input.height - FIT_MARGIN };
}

/**
 * Where a source picture is placed: scaled (also up) so that it fits `fit`, keeping its shape, and centred; odd padding leaves the extra
 * pixel at the right and bottom. Source: super-gradients training/processing/processing.py, default_yolo_nas_coco_processing_params.
 * Other placements: see {@link PLACEMENTS}.
 * @throws InvalidArgumentError for sizes below one pixel, or a `fit` larger than the input
 *
 * @example
 * ```ts
 * const input = { width: 512, height: 384 };
 * const { scale, left, top } = computeLetterbox({ width: 1920, height: 1080 }, input, input);
 * assert.deepEqual({ scale: scale.toFixed(3), left, top }, { scale: "0.267", left: 0, top: 48 });
 * ```
 */
export function computeLetterbox(
  source: Size,
  input: Size,
  fit: Size = fitWithin(input),
  placement: Placement = "centre",
): Letterbox {
  for (const { width, height } of [source, input, fit]) {
    if (!(width >= 1 && height >= 1))
      throw new InvalidArgumentError(`Not a picture size: ${width}x${height}.`);
  }
  if (fit.width > input.width || fit.height > input.height) {
    throw new InvalidArgumentError(
      `Cannot fit pictures of ${fit.width}x${fit.height} into an input of ${input.width}x${input.height}.`,
    );
  }
  const { left, top, ...scaled } = placePicture(source, fit, input, placement, { round: roundHalfEven });
  if (placement !== "stretch") return { source, scaled, input, scale: pictureScale(source, fit), left, top };
  const verticalScale = fit.height / source.height;
  return { source, scaled, input, scale: fit.width / source.width, verticalScale, left, top };
}

/**
 * Where the picture lies in a frame of this size; the model's graph centres the frame in its input.
 *
 * @example
 * ```ts
 * const frame = { width: 636, height: 636 };
 * const box = computeLetterbox({ width: 1920, height: 1080 }, { width: 640, height: 640 }, frame);
 * assert.deepEqual(placeInFrame(box, frame), { width: 636, height: 358, left: 0, top: 139 });
 * ```
 */
export function placeInFrame({ scaled, input, left, top }: Letterbox, frame: Size): PlacedPicture {
  return {
    ...scaled,
    left: left - Math.floor((input.width - frame.width) / 2),
    top: top - Math.floor((input.height - frame.height) / 2),
  };
}

/** Python's round(), which the reference uses: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
