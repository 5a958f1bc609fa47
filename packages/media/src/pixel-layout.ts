/** Layout of a frame's three planes of 8 bits: G, B, R (ffmpeg's gbrp), or I420 (yuv420p) in BT.601 with limited range and even sides. */
export type PixelLayout = "gbrp" | "i420";

interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Bytes of a frame. */
export function pixelBytes({ width, height }: FrameSize, layout: PixelLayout): number {
  return (layout === "i420" ? 1.5 : 3) * width * height;
}

/**
 * Converts a frame's pixels to the other layout in JavaScript: this takes some milliseconds for 640×640, so it is for rare cases. Chroma is reduced
 * to the mean of four pixels, and enlarged by interpolation between the nearest four.
 * @param target pixelBytes() of the other layout
 */
export function convertPixels<Target extends Uint8Array>(
  pixels: Uint8Array,
  from: PixelLayout,
  { width, height }: FrameSize,
  target: Target,
): Target {
  if (from === "i420") i420ToGbrp(pixels, width, height, target);
  else gbrpToI420(pixels, width, height, target);
  return target;
}

/** A frame's pixels as planes G, B, R: unchanged, or converted. */
export function asGbrp(pixels: Uint8Array, from: PixelLayout, size: FrameSize): Uint8Array {
  if (from === "gbrp") return pixels;
  return convertPixels(pixels, from, size, new Uint8Array(pixelBytes(size, "gbrp")));
}

/** BT.601 in its limited range: 16–235 and 16–240 for 0–255. */
const [red, green, blue] = [0.299, 0.587, 0.114];
const lumaRange = 219 / 255;
const chromaRange = 224 / 255;
/** Distance of a colour from the luma for each step of its chroma. */
const redOfV = (2 * (1 - red)) / chromaRange;
const blueOfU = (2 * (1 - blue)) / chromaRange;
const greenOfU = (-blueOfU * blue) / green;
const greenOfV = (-redOfV * red) / green;

function i420ToGbrp(source: Uint8Array, width: number, height: number, target: Uint8Array): void {
  const area = width * height;
  const half = width / 2;
  const lines = height / 2;
  // It rounds and clips; a plain Uint8Array does not.
  const planes = new Uint8ClampedArray(target.buffer, target.byteOffset, target.byteLength);
  // A line of chroma, with its first and last value repeated.
  const u = new Float64Array(half + 2);
  const v = new Float64Array(half + 2);
  for (let row = 0; row < height; row++) {
    const line = row >> 1;
    const near = area + line * half;
    const far = area + Math.min(lines - 1, Math.max(0, line + (row & 1 ? 1 : -1))) * half;
    for (let i = 0; i < half; i++) {
      u[i + 1] = 0.75 * source[near + i]! + 0.25 * source[far + i]! - 128;
      v[i + 1] = 0.75 * source[near + i + area / 4]! + 0.25 * source[far + i + area / 4]! - 128;
    }
    for (const chroma of [u, v]) {
      chroma[0] = chroma[1]!;
      chroma[half + 1] = chroma[half]!;
    }
    for (let column = 0; column < width; column++) {
      const i = (column >> 1) + 1;
      const other = column & 1 ? i + 1 : i - 1;
      const toU = 0.75 * u[i]! + 0.25 * u[other]!;
      const toV = 0.75 * v[i]! + 0.25 * v[other]!;
      const at = row * width + column;
      const luma = (source[at]! - 16) / lumaRange;
      planes[at] = luma + greenOfU * toU + greenOfV * toV;
      planes[at + area] = luma + blueOfU * toU;
      planes[at + 2 * area] = luma + redOfV * toV;
    }
  }
}

function gbrpToI420(source: Uint8Array, width: number, height: number, target: Uint8Array): void {
  const area = width * height;
  const half = width / 2;
  const planes = new Uint8ClampedArray(target.buffer, target.byteOffset, target.byteLength);
  for (let row = 0; row < height; row += 2)
    for (let column = 0; column < half; column++) {
      let [sumGreen, sumBlue, sumRed] = [0, 0, 0];
      for (let i = 0; i < 4; i++) {
        const at = (row + (i >> 1)) * width + 2 * column + (i & 1);
        const [g, b, r] = [source[at]!, source[at + area]!, source[at + 2 * area]!];
        planes[at] = 16 + lumaRange * (red * r + green * g + blue * b);
        sumGreen += g;
        sumBlue += b;
        sumRed += r;
      }
      const luma = (red * sumRed + green * sumGreen + blue * sumBlue) / 4;
      const chroma = area + (row >> 1) * half + column;
      planes[chroma] = 128 + (sumBlue / 4 - luma) / blueOfU;
      planes[chroma + area / 4] = 128 + (sumRed / 4 - luma) / redOfV;
    }
}
