import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { asGbrp, convertPixels, type PixelLayout, pixelBytes } from "./pixel-layout.ts";

const ffmpeg = process.env.FFMPEG_PATH ?? "ffmpeg";
const size = { width: 128, height: 16 };
const barWidth = 16;
const colours = [...[0xff0000, 0x00ff00, 0x0000ff, 0xffffff], ...[0x000000, 0x727272, 0xc08040, 0x20a0e0]];

/** Bars of one colour each, as ffmpeg lays them out. */
function bars(layout: PixelLayout): Uint8Array {
  const rgb = Buffer.alloc(3 * size.width * size.height);
  for (let i = 0; i < rgb.length / 3; i++)
    rgb.writeUIntBE(colours[Math.floor((i % size.width) / barWidth)]!, 3 * i, 3);
  const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${size.width}x${size.height}`, "-i", "-"];
  const filters = "scale=flags=accurate_rnd:out_color_matrix=bt601:out_range=tv,format=yuv420p";
  const format = layout === "i420" ? [] : ["format=gbrp"];
  const output = ["-vf", [filters, ...format].join(","), "-f", "rawvideo", "-"];
  return execFileSync(ffmpeg, ["-v", "error", ...input, ...output], { input: rgb });
}

/** The largest difference of two frames' planes G, B, R in the middle of bars: at their edges ffmpeg mixes colours. */
function difference(a: Uint8Array, b: Uint8Array): number {
  const inBar = (i: number) => i % barWidth;
  return a.reduce(
    (most, value, i) => (inBar(i) < 4 || inBar(i) > 11 ? most : Math.max(most, Math.abs(value - b[i]!))),
    0,
  );
}

test("I420 becomes the planes that ffmpeg makes of it", () => {
  // ffmpeg's tables round a little otherwise.
  expect(difference(asGbrp(bars("i420"), "i420", size), bars("gbrp"))).toBeLessThanOrEqual(2);
});

test("colours come back from I420", () => {
  const planes = bars("gbrp");
  const halves = convertPixels(planes, "gbrp", size, new Uint8Array(pixelBytes(size, "i420")));
  expect(halves.byteLength).toBe(bars("i420").byteLength);
  expect(difference(asGbrp(halves, "i420", size), planes)).toBeLessThanOrEqual(3);
});

test("planes stay as they are", () => {
  const planes = bars("gbrp");
  expect(asGbrp(planes, "gbrp", size)).toBe(planes);
});
