/** A picture's width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A pixel's width over its height, as a stream gives it, such as 16 and 11. A zero in either means that it is not given. */
export type PixelAspect = readonly [width: number, height: number];

/** A pixel aspect outside 1:8 to 8:1 comes from a damaged header, not from a camera. */
const mostStretch = 8;

/**
 * The size at which a stored picture is shown, with square pixels: the side along which its pixels are too long is stretched and the
 * other stays, so that no pixel is lost and a picture on its side has the same size, turned. A pixel aspect that is missing or outside
 * 1:8 to 8:1 means square pixels.
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

/** ffmpeg filters that turn a picture upright (CIPA DC-008, 4.6.4). */
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
 * The orientation in a picture's EXIF data; 1 when there is none or it cannot be read. sharp reads it from JPEG, PNG and WebP; some
 * versions of ffmpeg do not read it, others only from JPEG.
 */
export async function imageOrientation(path: string): Promise<Orientation> {
  const { default: sharp } = await import("sharp");
  const { orientation = 1 } = await sharp(path)
    .metadata()
    .catch(() => ({ orientation: 1 }));
  return orientation in turns ? (orientation as Orientation) : 1;
}

/**
 * ffmpeg's arguments for a file as its input; {@link displayFilters} with the same facts then make its pictures upright. `container` is
 * the only format that the file may have, by ffmpeg's name; without it ffmpeg guesses.
 */
export function fileInput(
  path: string,
  { orientation = 1 }: { readonly orientation?: Orientation },
  container?: string,
): string[] {
  return [
    // Newer versions of ffmpeg turn some of these pictures automatically.
    ...(orientation === 1 ? [] : ["-noautorotate"]),
    ...(container === undefined ? [] : ["-f", container]),
    ...["-i", `file:${path}`],
  ];
}

/**
 * The ffmpeg filters that must come first so that a stream's pictures are complete and upright: interlaced pictures are deinterlaced, one
 * for one. A progressive stream gets no such filter, since it waits for the next picture; progressive pictures inside an interlaced
 * stream pass unchanged. If a file's display matrix turns the picture, ffmpeg does that automatically before these filters; still
 * pictures, and cameras that send an orientation, are turned by these filters.
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
 * The size from `displaySize`, as expressions for ffmpeg's `scale` with `eval=frame`: for streams whose pixel aspect is known only with
 * the first picture, or changes.
 */
export const displayExpressions = {
  width: `round(iw*max(${aspect},1))`,
  height: `round(ih/min(${aspect},1))`,
} as const;
