import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { uprightFilters } from "../display.ts";
import { displayOrientation } from "./display-orientation.ts";

const ffmpeg = process.env.FFMPEG_PATH ?? "ffmpeg";
const run = (args: readonly string[], input?: Buffer) =>
  execFileSync(ffmpeg, ["-loglevel", "error", ...args], { input });
const sei = Buffer.from([0, 0, 1, 6]);

test.each([
  [0, "", 1],
  [90, "", 8],
  [180, "", 3],
  [270, "", 6],
  [0, "horizontal", 2],
  [0, "vertical", 4],
  [90, "horizontal", 5],
  [270, "horizontal", 7],
  [90, "vertical", 7],
  [180, "vertical", 2],
  [90, "horizontal+vertical", 6],
] as const)(
  "%i degrees anticlockwise, mirrored '%s', is orientation %i, as ffmpeg's own turning of the picture",
  (rotate, flip, orientation) => {
    const said = `display_orientation=insert:rotate=${rotate}${flip && `:flip=${flip}`}`;
    const source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=1:d=1", "-frames:v", "1", "-pix_fmt", "yuv420p"];
    const h264 = run([...source, "-c:v", "libx264", "-bsf:v", `h264_metadata=${said}`, "-f", "h264", "-"]);
    const at = h264.indexOf(sei) + sei.length;
    expect(displayOrientation(h264.subarray(at))).toBe(orientation);
    // With both, versions of ffmpeg differ in which comes first.
    if (rotate % 180 !== 0 && flip !== "") return;
    const output = ["-f", "rawvideo", "-pix_fmt", "gray", "-"];
    const filters = ["format=yuv420p", ...uprightFilters(orientation)].join(",");
    const ours = run(["-noautorotate", "-f", "h264", "-i", "-", "-vf", filters, ...output], h264);
    expect(ours.equals(run(["-f", "h264", "-i", "-", ...output], h264))).toBe(true);
  },
);

test("H.265 says it in the same way; what is cancelled, cut short or no quarter of a turn means as it is; another message says nothing", () => {
  expect(displayOrientation(Buffer.from([47, 3, 0x18, 0x00, 0x10, 0x80]))).toBe(6);
  expect(displayOrientation(Buffer.from([4, 2, 1, 2, 47, 3, 0x08, 0x00, 0x10, 0x80]))).toBe(8);
  expect(displayOrientation(Buffer.from([47, 1, 0x80, 0x80]))).toBe(1);
  expect(displayOrientation(Buffer.from([47, 3, 0x18]))).toBe(1);
  expect(displayOrientation(Buffer.from([47, 3, 0x01, 0x00, 0x10, 0x80]))).toBe(1);
  expect(displayOrientation(Buffer.from([6, 1, 0x80, 0x80]))).toBeUndefined();
});
