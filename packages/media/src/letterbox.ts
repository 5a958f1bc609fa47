import type { Size } from "./display.ts";

/** Where a picture lies in a frame: in the centre or the upper left corner with its shape kept, or stretched. */
export type Placement = "centre" | "corner" | "stretch";

/** Where a scaled picture lies in a frame, in pixels; the rest of the frame is padding. */
export interface PlacedPicture extends Size {
  readonly left: number;
  readonly top: number;
}

/** How halves are rounded, and the step for the position of a centred picture. */
export interface PixelSteps {
  readonly round?: (value: number) => number;
  readonly step?: number;
}

/**
 * Where a picture, with its size as shown, lies in a frame: scaled up or down to fit `fit` with its shape kept; or exactly as large as `fit` when
 * stretched. If the padding is odd, the extra line or column is below or on the right.
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

/** Frame pixels per pixel of the picture, before its size was rounded. */
export function pictureScale(source: Size, fit: Size): number {
  return Math.min(fit.width / source.width, fit.height / source.height);
}
