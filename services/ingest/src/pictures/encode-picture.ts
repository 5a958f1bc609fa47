import { limits, pixelFormatName } from "@sightline/contracts";
import { asGbrp } from "@sightline/media";
import type { Sharp } from "sharp";
import type { KeptFrame } from "./frame-memory.ts";

/** Loaded with the first picture: it is a tenth of the start of a service and 27 MiB, and many never make one. */
async function loadSharp() {
  const { default: sharp } = await import("sharp");
  // Each picture uses one thread, besides those of ffmpeg; libvips caches nothing, because no picture comes twice.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

/** A JPEG and its size in pixels. */
export interface EncodedPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * The picture in an analysis frame (whose pixels follow the room for the header) as JPEG, without the letterbox's padding,
 * in its own aspect ratio and at most `maxWidth` wide. Runs in a libuv thread; the frame must not change until it is done.
 */
export async function encodePicture(
  { metadata, message }: Pick<KeptFrame, "metadata" | "message">,
  { maxWidth, quality }: { maxWidth: number | undefined; quality: number },
): Promise<EncodedPicture> {
  const sharp = await loadSharp();
  const { width, height, pixelFormat, letterbox = { left: 0, top: 0, width, height } } = metadata;
  const stored = message.subarray(limits.frameHeaderBytes);
  const layout = pixelFormatName(pixelFormat);
  const pixels = asGbrp(stored, layout, { width, height });
  // If the number of lines or columns is odd, I420 has padding in place of the last.
  const filled = (side: number) => (layout === "i420" ? Math.max(1, side - (side % 2)) : side);
  const size = { width: filled(letterbox.width), height: filled(letterbox.height) };
  const raw = { width, height: size.height, channels: 1 } as const;
  const plane = (index: number) => {
    const start = (index * height + letterbox.top) * width;
    return Buffer.from(pixels.buffer, pixels.byteOffset + start, width * size.height);
  };
  // Rows are cut by choosing where each plane begins and ends. Columns are cut after the planes are joined; the resize
  // before makes `extract` run there.
  const whole = sharp(plane(2), { raw })
    .joinChannel([plane(0), plane(1)], { raw })
    .toColourspace("srgb")
    .resize(width, size.height, { fit: "fill" })
    .extract({ left: letterbox.left, top: 0, ...size });
  const jpeg = { quality };
  const shape = ownShape(metadata, letterbox);
  if (!shape && (maxWidth === undefined || maxWidth >= size.width)) return toPicture(whole.jpeg(jpeg));
  // libvips joins channels after it resizes, so a smaller picture needs two steps.
  const { data, info } = await whole.raw().toBuffer({ resolveWithObject: true });
  const joined = { width: info.width, height: info.height, channels: info.channels };
  const wanted = shape
    ? scaledTo(shape, Math.min(shape.width, maxWidth ?? shape.width))
    : { width: maxWidth, height: undefined };
  return toPicture(
    sharp(data, { raw: joined })
      .resize({ ...wanted, fit: shape ? "fill" : "cover" })
      .jpeg(jpeg),
  );
}

type PictureSize = Pick<EncodedPicture, "width" | "height">;

/**
 * The size of a stretched picture in its own aspect ratio, with no side longer than in the frame; undefined for a picture
 * that is not stretched.
 */
function ownShape(
  { sourceWidth, sourceHeight }: KeptFrame["metadata"],
  { width, height }: PictureSize,
): PictureSize | undefined {
  const source = { width: sourceWidth, height: sourceHeight };
  const wide = scaledTo(source, width);
  const tall = { width: Math.max(1, Math.round((height * sourceWidth) / sourceHeight)), height };
  // Rounded sides differ by one pixel.
  if (Math.abs(wide.height - height) <= 1 || Math.abs(tall.width - width) <= 1) return undefined;
  return wide.height <= height ? wide : tall;
}

function scaledTo({ width, height }: PictureSize, newWidth: number): PictureSize {
  return { width: newWidth, height: Math.max(1, Math.round((height * newWidth) / width)) };
}

async function toPicture(picture: Sharp): Promise<EncodedPicture> {
  const { data, info } = await picture.toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
