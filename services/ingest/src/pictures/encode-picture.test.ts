import { execFileSync } from "node:child_process";
import { limits, pixelFormatOf } from "@sightline/contracts";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { type AnalysisGeometry, letterboxFilters, letterboxOf } from "../analysis-geometry.ts";
import { encodePicture } from "./encode-picture.ts";

const ffmpeg = process.env.FFMPEG_PATH ?? "ffmpeg";

/** A picture of ffmpeg's as an analysis frame, and its own R, G, B bytes without the padding. */
function sample(source: string, width: number, height: number, geometry: AnalysisGeometry) {
  const run = (filters: string[]) =>
    execFileSync(
      ffmpeg,
      ["-v", "error", "-f", "lavfi", "-i", `${source}=size=${width}x${height}:rate=1`]
        .concat(["-frames:v", "1", "-vf", filters.join(",")])
        .concat(["-f", "rawvideo", "pipe:1"]),
      { maxBuffer: 1e8 },
    );
  const letterbox = letterboxOf(geometry, width, height);
  const filters = letterboxFilters(geometry);
  const { left, top } = letterbox;
  // I420 has no odd line or column.
  const filled = (side: number) => (geometry.pixelFormat === "i420" ? side - (side % 2) : side);
  const size = { width: filled(letterbox.width), height: filled(letterbox.height) };
  const pixels = run(filters);
  const message = new Uint8Array(limits.frameHeaderBytes + pixels.byteLength);
  message.set(pixels, limits.frameHeaderBytes);
  const metadata = {
    camera: "cameras/front",
    epoch: "e",
    number: 1,
    cameraCreateTime: undefined,
    captureTime: undefined,
    ptsUs: 0,
    sourceWidth: width,
    sourceHeight: height,
    width: geometry.width,
    height: geometry.height,
    pixelFormat: pixelFormatOf(geometry.pixelFormat),
    letterbox,
    decodeUs: 0,
  };
  const reference = run([...filters, `crop=${size.width}:${size.height}:${left}:${top}`, "format=rgb24"]);
  return { frame: { metadata, message }, reference, size };
}

async function difference(jpeg: Uint8Array, reference: Uint8Array): Promise<number> {
  const pixels = await sharp(jpeg).raw().toBuffer();
  expect(pixels.byteLength).toBe(reference.byteLength);
  return pixels.reduce((sum, value, i) => sum + Math.abs(value - reference[i]!), 0) / pixels.byteLength;
}

const geometries = {
  "padding above and below": [640, 360, { width: 320, height: 256, longestSide: 320, padValue: 114 }],
  "padding on all sides, odd": [333, 217, { width: 320, height: 256, longestSide: 316, padValue: 114 }],
  "padding left and right": [200, 400, { width: 320, height: 256, longestSide: 320, padValue: 114 }],
  "padding on all sides, I420": [
    333,
    217,
    { width: 320, height: 256, longestSide: 316, padValue: 114, pixelFormat: "i420" },
  ],
  "an odd number of lines and columns, I420": [
    217,
    333,
    { width: 256, height: 320, longestSide: 315, padValue: 114, pixelFormat: "i420" },
  ],
  "no padding": [640, 384, { width: 320, height: 192, longestSide: 320, padValue: 114 }],
} as const;

describe.each(Object.entries(geometries))("%s", (_, [width, height, geometry]) => {
  test("the picture is what ffmpeg scaled, in its colours, without the padding", async () => {
    const { frame, reference, size } = sample("smptebars", width, height, geometry);
    const picture = await encodePicture(frame, { maxWidth: undefined, quality: 100 });
    expect(picture).toMatchObject(size);
    expect(await difference(picture.data, reference)).toBeLessThan(3);
  });

  test("a smaller picture is the same one, scaled", async () => {
    const { frame, reference, size } = sample("smptebars", width, height, geometry);
    const picture = await encodePicture(frame, { maxWidth: 64, quality: 100 });
    const scaled = await sharp(reference, { raw: { ...size, channels: 3 } })
      .resize({ width: 64 })
      .jpeg({ quality: 100 })
      .toBuffer({ resolveWithObject: true });
    expect(picture).toMatchObject({ width: 64, height: scaled.info.height });
    expect(await difference(picture.data, await sharp(scaled.data).raw().toBuffer())).toBeLessThan(1);
  });
});

test("a picture is never made larger", async () => {
  const { frame, size } = sample("testsrc", 640, 360, geometries["padding above and below"][2]);
  expect(await encodePicture(frame, { maxWidth: 4096, quality: 80 })).toMatchObject(size);
});

test("a picture that was stretched over the frame gets its own shape back", async () => {
  const geometry = {
    width: 320,
    height: 320,
    longestSide: 320,
    padValue: 114,
    placement: "stretch",
  } as const;
  const { frame } = sample("smptebars", 640, 360, geometry);
  for (const [maxWidth, width, height] of [
    [undefined, 320, 180],
    [64, 64, 36],
  ] as const) {
    const picture = await encodePicture(frame, { maxWidth, quality: 100 });
    expect(picture).toMatchObject({ width, height });
    const shown = execFileSync(
      ffmpeg,
      ["-v", "error", "-f", "lavfi", "-i", "smptebars=size=640x360:rate=1", "-frames:v", "1"].concat([
        "-vf",
        `scale=${width}:${height}:flags=area,format=rgb24`,
        "-f",
        "rawvideo",
        "pipe:1",
      ]),
    );
    expect(await difference(picture.data, shown)).toBeLessThan(10);
  }
});

test("less quality takes fewer bytes", async () => {
  const { frame } = sample("testsrc", 640, 360, geometries["padding above and below"][2]);
  const fine = await encodePicture(frame, { maxWidth: undefined, quality: 95 });
  const coarse = await encodePicture(frame, { maxWidth: undefined, quality: 30 });
  expect(coarse.data.byteLength).toBeLessThan(fine.data.byteLength / 2);
});
