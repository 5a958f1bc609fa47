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
export async function orientationOf(path: string): Promise<Orientation> {
  const { default: sharp } = await import("sharp");
  const { orientation = 1 } = await sharp(path)
    .metadata()
    .catch(() => ({ orientation: 1 }));
  return orientation in turns ? (orientation as Orientation) : 1;
}
