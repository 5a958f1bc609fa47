import { execFileSync } from "node:child_process";
import { type Decoder, displaySize, downloadFilters, pixelBytes } from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { expect, test } from "vitest";
import { letterboxFilters, letterboxOf, letterboxSize } from "./analysis-geometry.ts";

const square = { width: 640, height: 640, longestSide: 636, padValue: 114 };
const corner = { ...square, longestSide: 640, placement: "corner" } as const;
const stretched = { width: 640, height: 384, longestSide: 640, padValue: 7, placement: "stretch" } as const;
const halves = { ...square, pixelFormat: "i420" } as const;
const wide = { width: 640, height: 384, longestSide: 640, padValue: 7 };

test.each([
  [square, 768, 576, { left: 2, top: 81, width: 636, height: 477 }],
  [square, 1920, 1080, { left: 2, top: 141, width: 636, height: 358 }],
  [square, 1080, 1920, { left: 141, top: 2, width: 358, height: 636 }],
  [square, 320, 240, { left: 2, top: 81, width: 636, height: 477 }],
  [wide, 1920, 1080, { left: 0, top: 12, width: 640, height: 360 }],
  [wide, 640, 640, { left: 128, top: 0, width: 384, height: 384 }],
  [halves, 768, 576, { left: 2, top: 80, width: 636, height: 477 }],
  [halves, 1080, 1920, { left: 140, top: 2, width: 358, height: 636 }],
  [{ ...corner, pixelFormat: "i420" } as const, 1920, 1080, { left: 0, top: 0, width: 640, height: 360 }],
  [corner, 1920, 1080, { left: 0, top: 0, width: 640, height: 360 }],
  [stretched, 1000, 1000, { left: 0, top: 0, width: 640, height: 384 }],
])("%o holds %d×%d at %o", (geometry, width, height, expected) => {
  expect(letterboxOf(geometry, width, height)).toEqual(expected);
});

/** The chain that hardware decodes for, with the GPU's scaler replaced by the processor's and nothing to download. */
function inMemory(filters: readonly string[]): string {
  return filters
    .filter((filter) => filter !== "hwdownload")
    .map((filter) => filter.replace(/^scale_(?:cuda|vaapi)=(.*?):format=.*/, "scale=$1"))
    .join(",");
}

const pictures = [
  [square, 768, 576, [1, 1]],
  [square, 1366, 768, [0, 1]],
  [square, 333, 777, [1, 1]],
  [square, 384, 576, [2, 1]],
  [square, 704, 576, [16, 11]],
  [square, 720, 480, [8, 9]],
  [halves, 768, 576, [1, 1]],
  [halves, 333, 777, [1, 1]],
  [halves, 704, 576, [16, 11]],
  [wide, 641, 479, [1, 1]],
  [wide, 352, 576, [24, 11]],
  [corner, 641, 479, [16, 11]],
  [stretched, 333, 777, [1, 1]],
] as const;
const decoders: readonly Decoder[] = ["software", "cuda"];

test.each(pictures.flatMap((picture) => decoders.map((decoder) => [decoder, ...picture] as const)))(
  "%s: ffmpeg puts the picture of %o, %d×%d with pixels of %o, exactly where the letterbox says",
  async (decoder, geometry, width, height, aspect) => {
    const download = downloadFilters({ decoder, note: "" }, letterboxSize(geometry));
    const filters = inMemory([...download, ...letterboxFilters(geometry)]);
    const source = `color=c=white:s=${width}x${height}:d=1:r=1,format=yuv444p,setsar=${aspect.join("/")}`;
    const pixels = execFileSync(
      await findFfmpeg(process.env.FFMPEG_PATH),
      [
        ...["-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "1"],
        ...["-vf", filters, "-f", "rawvideo", "pipe:1"],
      ],
      { maxBuffer: 16e6 },
    );
    const layout = "pixelFormat" in geometry ? geometry.pixelFormat : "gbrp";
    expect(pixels.length).toBe(pixelBytes(geometry, layout));
    // Or luma, which is first and as sharp.
    const green = pixels.subarray(0, geometry.width * geometry.height);
    const inside = (at: number) => (green[at] ?? 0) > 200;
    const first = green.findIndex((_, at) => inside(at));
    const last = green.findLastIndex((_, at) => inside(at));
    const shown = displaySize({ width, height }, aspect);
    const { left, top, width: w, height: h } = letterboxOf(geometry, shown.width, shown.height);
    expect([first % geometry.width, Math.floor(first / geometry.width)]).toEqual([left, top]);
    // Of an odd number of lines or columns ffmpeg leaves out the last, whose chroma would be shared with the padding.
    const end = (side: number) => (layout === "i420" ? side - (side % 2) : side) - 1;
    expect([last % geometry.width, Math.floor(last / geometry.width)]).toEqual([left + end(w), top + end(h)]);
    if (top > 0) expect(green[0]).toBe(geometry.padValue);
  },
);
