/** A picture's width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A pixel's width over its height, as a stream says it: 16 and 11. Zero in either: it does not say. */
export type PixelAspect = readonly [width: number, height: number];

/** Pixels of another shape than 1:8 to 8:1 are no camera's but a damaged header's. */
export const mostStretch = 8;

/**
 * A stored picture's size as it is shown, where each pixel is square: the side along which its pixels are too long is
 * stretched and the other is left, so that no pixel is lost and a picture on its side has the same size turned. A pixel
 * aspect that is missing, or is beyond 1:8 or 8:1, means square pixels.
 */
export function displaySize({ width, height }: Size, [across, down]: PixelAspect): Size {
  const said = across / down;
  const aspect = said >= 1 / mostStretch && said <= mostStretch ? said : 1;
  return {
    width: Math.round(width * Math.max(aspect, 1)),
    height: Math.round(height / Math.min(aspect, 1)),
  };
}
