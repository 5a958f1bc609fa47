/** Fitting a picture into the model's input: scale, then centre on padding, as super-gradients does. */
import { InvalidArgumentError } from "../errors.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How a source picture lies in the model's input. Lengths are in pixels. */
export interface Letterbox {
  readonly source: Size;
  /** The picture after scaling. */
  readonly scaled: Size;
  readonly input: Size;
  /** Scaled pixels per source pixel, before the size was rounded. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

/** Value of every channel of the padding. */
export const PAD_VALUE = 114;

/** super-gradients scales into 636×636 of 640×640: this much stays free in each direction. */
const FIT_MARGIN = 4;

/** The largest picture that fits the input with super-gradients' margin: 636×636 for 640×640. */
export function fitWithin(input: Size): Size {
  return { width: input.width - FIT_MARGIN, height: input.height - FIT_MARGIN };
}

/**
 * Where a source picture goes: scaled (also up) so that it fits `fit`, keeping its shape, and centred; odd padding
 * leaves the extra pixel at the right and bottom. Source: super-gradients
 * training/processing/processing.py, default_yolo_nas_coco_processing_params.
 * @throws InvalidArgumentError for sizes below one pixel, or a `fit` larger than the input
 */
export function computeLetterbox(source: Size, input: Size, fit: Size = fitWithin(input)): Letterbox {
  for (const { width, height } of [source, input, fit]) {
    if (!(width >= 1 && height >= 1))
      throw new InvalidArgumentError(`Not a picture size: ${width}x${height}.`);
  }
  if (fit.width > input.width || fit.height > input.height) {
    throw new InvalidArgumentError(
      `Cannot fit pictures of ${fit.width}x${fit.height} into an input of ${input.width}x${input.height}.`,
    );
  }
  const scale = Math.min(fit.width / source.width, fit.height / source.height);
  const scaled = {
    width: Math.max(1, roundHalfEven(source.width * scale)),
    height: Math.max(1, roundHalfEven(source.height * scale)),
  };
  const left = Math.floor((input.width - scaled.width) / 2);
  const top = Math.floor((input.height - scaled.height) / 2);
  return { source, scaled, input, scale, left, top };
}

/** Python's round(), which the reference uses: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
