/** A picture's width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A pixel's width over its height, as a stream says it: 16 and 11. Zero in either: it does not say. */
export type PixelAspect = readonly [width: number, height: number];

/** Pixels of another shape than 1:8 to 8:1 are no camera's but a damaged header's. */
const mostStretch = 8;

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

/** How a still picture must be turned to be upright: the value of its EXIF tag Orientation, 1 (as it is) to 8. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The filters of ffmpeg that make a picture upright (CIPA DC-008, 4.6.4). */
const turns: Readonly<Record<Orientation, readonly string[]>> = {
  1: [],
  2: ["hflip"],
  3: ["hflip", "vflip"],
  4: ["vflip"],
  5: ["transpose=cclock_flip"],
  6: ["transpose=clock"],
  7: ["transpose=clock_flip"],
  8: ["transpose=cclock"],
};

/** The filters that turn a picture upright. */
export function uprightFilters(orientation: Orientation): readonly string[] {
  return turns[orientation];
}

/** Whether turning swaps width and height. */
export function isOnItsSide(orientation: Orientation): boolean {
  return orientation >= 5;
}

/**
 * The orientation that a picture's EXIF data says; 1 when it says none, or cannot be read. sharp reads it of JPEG, PNG and
 * WebP; some versions of ffmpeg do not read it, others only of JPEG.
 */
export async function imageOrientation(path: string): Promise<Orientation> {
  const { default: sharp } = await import("sharp");
  const { orientation = 1 } = await sharp(path)
    .metadata()
    .catch(() => ({ orientation: 1 }));
  return orientation in turns ? (orientation as Orientation) : 1;
}

/**
 * ffmpeg's arguments for a file as its input, of which {@link displayFilters} of the same facts make upright pictures.
 * `container` is the only kind of file that it is read as, by ffmpeg's name; without it ffmpeg guesses.
 */
export function fileInput(
  path: string,
  { orientation = 1 }: { readonly orientation?: Orientation },
  container?: string,
): string[] {
  return [
    // Newer versions of ffmpeg turn some of these pictures by themselves.
    ...(orientation === 1 ? [] : ["-noautorotate"]),
    ...(container === undefined ? [] : ["-f", container]),
    ...["-i", `file:${path}`],
  ];
}

/**
 * The ffmpeg filters that must come first so that the pictures of a stream are whole: pictures of two fields become
 * pictures of one moment, one for one. None for a progressive stream, since the filter waits for the next picture; among
 * those of an interlaced one, progressive pictures pass as they are. What a file's display matrix says is on its side ffmpeg turns by
 * itself, before these; a still picture, and what a camera says is to be turned, is turned by them.
 */
export function displayFilters({
  interlaced,
  orientation = 1,
}: {
  readonly interlaced: boolean;
  readonly orientation?: Orientation;
}): string[] {
  const whole = interlaced ? ["bwdif=mode=send_frame:deint=interlaced"] : [];
  return [...whole, ...uprightFilters(orientation)];
}

const aspect = `if(between(sar,1/${mostStretch},${mostStretch}),sar,1)`;

/**
 * The size that `displaySize` tells, as expressions for ffmpeg's `scale` with `eval=frame`: for streams that say their pixels' aspect
 * with the first picture, or change it.
 */
export const displayExpressions = {
  width: `round(iw*max(${aspect},1))`,
  height: `round(ih/min(${aspect},1))`,
} as const;
