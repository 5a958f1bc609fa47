import { limits } from "@sightline/contracts";
import sharp, { type Sharp } from "sharp";
import type { KeptFrame } from "./frame-memory.ts";

// Each picture takes one thread, beside those of ffmpeg; libvips keeps nothing of pictures that are never the same.
sharp.concurrency(1);
sharp.cache(false);

/** A JPEG and its size in pixels. */
export interface EncodedPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * The picture in an analysis frame (planes G, B, R behind the header's room) as JPEG, without the letterbox's padding and
 * at most `maxWidth` wide. Runs in a thread of libuv's; the frame must not change until then.
 */
export async function encodePicture(
  { metadata, message }: Pick<KeptFrame, "metadata" | "message">,
  { maxWidth, quality }: { maxWidth: number | undefined; quality: number },
): Promise<EncodedPicture> {
  const { width, height, letterbox = { left: 0, top: 0, width, height } } = metadata;
  const raw = { width, height: letterbox.height, channels: 1 } as const;
  const plane = (index: number) => {
    const start = limits.frameHeaderBytes + (index * height + letterbox.top) * width;
    return Buffer.from(message.buffer, message.byteOffset + start, width * letterbox.height);
  };
  // Rows are cut off by where a plane begins and ends. Columns are cut behind the join, which a resize makes `extract` be.
  const whole = sharp(plane(2), { raw })
    .joinChannel([plane(0), plane(1)], { raw })
    .toColourspace("srgb")
    .resize(width, letterbox.height, { fit: "fill" })
    .extract({ left: letterbox.left, top: 0, width: letterbox.width, height: letterbox.height });
  const jpeg = { quality };
  if (maxWidth === undefined || maxWidth >= letterbox.width) return toPicture(whole.jpeg(jpeg));
  // libvips joins channels after it resizes, so a smaller picture takes two steps.
  const { data, info } = await whole.raw().toBuffer({ resolveWithObject: true });
  const joined = { width: info.width, height: info.height, channels: info.channels };
  return toPicture(sharp(data, { raw: joined }).resize({ width: maxWidth }).jpeg(jpeg));
}

async function toPicture(picture: Sharp): Promise<EncodedPicture> {
  const { data, info } = await picture.toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
