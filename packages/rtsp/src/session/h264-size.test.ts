import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFfmpeg } from "../ffmpeg-path.ts";
import { h264Size } from "./h264-size.ts";

const startCode = Buffer.from([0, 0, 1]);

/** The sequence parameter set of a picture that ffmpeg's encoder makes of this size. */
async function parameterSet(size: string, format: string, more: string[] = []): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-h264-"));
  const path = join(directory, "one.h264");
  try {
    execFileSync(await findFfmpeg(process.env.FFMPEG_PATH), [
      ...[
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        `color=s=${size}:r=1:d=1,format=${format}`,
        "-frames:v",
        "1",
      ],
      ...["-c:v", "libx264", ...more, path],
    ]);
    const data = readFileSync(path);
    for (let at = data.indexOf(startCode); at >= 0; at = data.indexOf(startCode, at + 3)) {
      const next = data.indexOf(startCode, at + 3);
      if (((data[at + 3] ?? 0) & 0x1f) === 7) return data.subarray(at + 3, next < 0 ? undefined : next);
    }
    throw new Error("the encoder wrote no sequence parameter set");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test.each([
  [768, 576, "yuv420p", []],
  [1920, 1080, "yuv420p", ["-profile:v", "baseline"]],
  [1366, 768, "yuv420p", []],
  [322, 182, "yuv422p", []],
  [321, 181, "yuv444p", []],
  [720, 576, "yuv420p", ["-flags", "+ildct+ilme", "-x264-params", "interlaced=1"]],
])("reads %d×%d, %s, from what an encoder wrote", async (width, height, format, more) => {
  expect(h264Size(await parameterSet(`${width}x${height}`, format, more))).toEqual({ width, height });
});

test.each([
  ["16/11", 1047, 576],
  ["2/1", 1440, 576],
  ["8/9", 720, 648],
  ["97/31", 2253, 576],
])("reads the size as it is shown with pixels of %s", async (aspect, width, height) => {
  const set = await parameterSet("720x576", "yuv420p", ["-vf", `setsar=${aspect}`]);
  expect(h264Size(set)).toEqual({ width, height });
});

test("is undefined for another NAL unit and for one cut short", async () => {
  const set = await parameterSet("640x480", "yuv420p");
  expect(h264Size(set.subarray(0, 6))).toBeUndefined();
  expect(h264Size(Buffer.from([0x65, ...set.subarray(1)]))).toBeUndefined();
  expect(h264Size(new Uint8Array())).toBeUndefined();
});
