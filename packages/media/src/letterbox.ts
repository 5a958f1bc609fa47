import type { Size } from "./display.ts";

/** Where a picture goes in a frame: into the centre or the upper left corner of it, with its shape kept, or stretched. */
export type Placement = "centre" | "corner" | "stretch";

/** Where a scaled picture lies in a frame, in pixels; the rest of the frame is padding. */
export interface PlacedPicture extends Size {
  readonly left: number;
  readonly top: number;
}

/** How halves are rounded, and the steps in which a centred picture is moved. */
export interface PixelSteps {
  readonly round?: (value: number) => number;
  readonly step?: number;
}

/**
 * Where a picture, of this size as it is shown, lies in a frame: scaled, also up, so that it fits `fit` with its shape kept; or as large as `fit`,
 * where it is stretched. Of an odd number of lines or columns of padding the odd one is right and below.
 */
export function placePicture(
  source: Size,
  fit: Size,
  frame: Size,
  placement: Placement = "centre",
  { round = Math.round, step = 1 }: PixelSteps = {},
): PlacedPicture {
  const scale = pictureScale(source, fit);
  const width = placement === "stretch" ? fit.width : Math.max(1, round(source.width * scale));
  const height = placement === "stretch" ? fit.height : Math.max(1, round(source.height * scale));
  if (placement === "corner") return { left: 0, top: 0, width, height };
  const middle = (room: number) => step * Math.floor(room / 2 / step);
  return { left: middle(frame.width - width), top: middle(frame.height - height), width, height };
}

/** Pixels of the picture in its frame per pixel of its own, before its size was rounded. */
export function pictureScale(source: Size, fit: Size): number {
  return Math.min(fit.width / source.width, fit.height / source.height);
}
