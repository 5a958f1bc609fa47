import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { displaySize } from "../display.ts";
import { h264Sequence } from "./h264-sequence.ts";
import { h265Sequence } from "./h265-sequence.ts";

const startCode = Buffer.from([0, 0, 1]);
const h264 = (nal: Buffer) => (nal[0]! & 0x1f) === 7;
const h265 = (nal: Buffer) => ((nal[0]! >> 1) & 0x3f) === 33;

/** The sequence parameter set of a picture that ffmpeg's encoder makes of this size. */
function parameterSet(size: string, encode: string[], isSet = h264, type = "h264"): Uint8Array {
  const source = ["-f", "lavfi", "-i", `color=s=${size}:r=1:d=1,format=yuv444p`, "-frames:v", "1"];
  const output = [...encode, "-f", type, "pipe:1"];
  const data = execFileSync(process.env.FFMPEG_PATH ?? "ffmpeg", [
    ...["-loglevel", "error", ...source, ...output],
  ]);
  for (let at = data.indexOf(startCode); at >= 0; at = data.indexOf(startCode, at + 3)) {
    const next = data.indexOf(startCode, at + 3);
    const nal = data.subarray(at + 3, next < 0 ? undefined : next);
    if (isSet(nal)) return nal;
  }
  throw new Error("the encoder wrote no sequence parameter set");
}

const x264 = (format: string, more: string[] = []) => ["-c:v", "libx264", "-pix_fmt", format, ...more];

test.each([
  [768, 576, "yuv420p", []],
  [1920, 1080, "yuv420p", ["-profile:v", "baseline"]],
  [1366, 768, "yuv420p", []],
  [322, 182, "yuv422p", []],
  [321, 181, "yuv444p", []],
  [720, 576, "yuv420p", ["-flags", "+ildct+ilme", "-x264-params", "interlaced=1"]],
])("reads %d×%d, %s, from what an encoder wrote", (width, height, format, more) => {
  expect(h264Sequence(parameterSet(`${width}x${height}`, x264(format, more)))).toMatchObject({
    width,
    height,
  });
});

test.each([
  ["16/11", 1047, 576],
  ["2/1", 1440, 576],
  ["8/9", 720, 648],
  ["97/31", 2253, 576],
])("reads the size as it is shown with pixels of %s", (aspect, width, height) => {
  const set = h264Sequence(parameterSet("720x576", x264("yuv420p", ["-vf", `setsar=${aspect}`])))!;
  expect(displaySize(set, set.aspect)).toEqual({ width, height });
});

test.each([
  [1920, 1080, "yuv420p", 1, 8],
  [1366, 768, "yuv420p", 1, 8],
  [322, 182, "yuv422p10le", 2, 10],
])("reads %d×%d, %s, of H.265", (width, height, format, chromaFormat, bitDepthLuma) => {
  const encode = ["-c:v", "libx265", "-pix_fmt", format, "-x265-params", "log-level=error"];
  const set = h265Sequence(parameterSet(`${width}x${height}`, encode, h265, "hevc"));
  expect(set).toMatchObject({ width, height, chromaFormat, bitDepthLuma });
});

test("is undefined for another NAL unit and for one cut short", () => {
  const set = parameterSet("640x480", x264("yuv420p"));
  expect(h264Sequence(set.subarray(0, 6))).toBeUndefined();
  expect(h264Sequence(Buffer.from([0x65, ...set.subarray(1)]))).toBeUndefined();
  expect(h264Sequence(new Uint8Array())).toBeUndefined();
});
