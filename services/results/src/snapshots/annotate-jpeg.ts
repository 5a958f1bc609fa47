import { type AnnotatedBox, annotationSvg } from "@sightline/annotate";
import { TaskLimit, TaskLimitError } from "@sightline/service";
import { ApiError } from "../errors.ts";

const quality = 88;
const limit = new TaskLimit(2, 64);

/** Loaded with the first picture: it is a tenth of the start of a service and 27 MiB, and many never draw one. */
export async function loadSharp() {
  const { default: sharp } = await import("sharp");
  // One thread for each picture; libvips caches nothing, because no two pictures are the same.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

/**
 * Draws boxes and labels into a JPEG of this size.
 * @throws ApiError picture_unavailable when too many are being drawn
 */
export async function annotateJpeg(
  { jpeg, width, height }: { jpeg: Uint8Array; width: number; height: number },
  boxes: readonly AnnotatedBox[],
): Promise<Uint8Array> {
  if (boxes.length === 0) return jpeg;
  const drawing = Buffer.from(annotationSvg(width, height, boxes));
  const sharp = await loadSharp();
  return whenFree(() =>
    sharp(jpeg)
      .composite([{ input: drawing }])
      .jpeg({ quality })
      .toBuffer(),
  );
}

/**
 * Runs work on a picture once few others are in progress.
 * @throws ApiError picture_unavailable when too many wait
 */
export async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await limit.run(work);
  } catch (error) {
    if (!(error instanceof TaskLimitError)) throw error;
    // No cause: the message says everything, and under overload each one would be logged.
    throw new ApiError(
      "picture_unavailable",
      "too many pictures are being drawn at the same time; try again",
    );
  }
}
