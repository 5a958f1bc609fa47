import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isCutShort } from "./cut-short.ts";
import { displayExpressions, displayFilters, displaySize, fileInput } from "./display.ts";
import { probeFile } from "./video-facts.ts";

const ffmpeg = process.env.FFMPEG_PATH ?? "ffmpeg";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sightline-media-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function make(name: string, filters: string, ...output: string[]): string {
  const path = join(folder, name);
  const source = ["-f", "lavfi", "-i", "testsrc=size=96x64:rate=20:duration=0.5", "-vf", filters];
  execFileSync(ffmpeg, ["-v", "error", ...source, "-pix_fmt", "yuv420p", ...output, "-y", path]);
  return path;
}

/** What ffprobe says the display aspect ratio is, and the stored size. */
function asFfprobeSays(path: string) {
  const entries = "stream=width,height,sample_aspect_ratio,display_aspect_ratio";
  const text = execFileSync("ffprobe", ["-v", "error", "-show_entries", entries, "-of", "json", path]);
  const { width, height, display_aspect_ratio: aspect = "" } = JSON.parse(String(text)).streams[0];
  const [across, down] = aspect.split(":").map(Number);
  return { width, height, aspect: across / down };
}

test.each([
  ["square", "setsar=1", { width: 96, height: 64 }],
  ["no-aspect", "setsar=0", { width: 96, height: 64 }],
  ["wide", "setsar=16/11", { width: 140, height: 64 }],
  ["very-wide", "setsar=2", { width: 192, height: 64 }],
  ["narrow", "setsar=8/9", { width: 96, height: 72 }],
])("pixels that are not square: %s is as large as it is shown", async (name, filter, display) => {
  const path = make(`${name}.mp4`, filter);
  const facts = await probeFile(path, { ffmpeg });
  expect(facts).toMatchObject({
    display,
    stored: { width: 96, height: 64 },
    interlaced: false,
    still: false,
    fps: 20,
    seconds: 0.5,
  });
  const { width, height, aspect } = asFfprobeSays(path);
  expect(facts?.stored).toEqual({ width, height });
  if (aspect > 0) expect(display.width / display.height).toBeCloseTo(aspect, 1);
});

test("a video that is stored on its side, with pixels that are not square, is upright", async () => {
  const path = join(folder, "turned.mp4");
  const input = make("to-turn.mp4", "setsar=2");
  const turn = ["-i", input, "-c", "copy", "-metadata:s:v", "rotate=90", "-y", path];
  execFileSync("ffmpeg", ["-v", "error", ...turn]);
  expect(await probeFile(path, { ffmpeg })).toMatchObject({
    display: { width: 64, height: 192 },
    stored: { width: 64, height: 96 },
  });
});

test("what the encoder's blocks have beyond the picture is no part of it", async () => {
  const path = make("cropped.mp4", "scale=90:50,setsar=1");
  expect(await probeFile(path, { ffmpeg })).toMatchObject({ display: { width: 90, height: 50 } });
});

test("pictures of two fields are told by the container or by the first picture, and become whole one for one", async () => {
  const fields = ["-flags", "+ildct+ilme", "-x264opts", "tff=1"];
  const path = make("fields.mkv", "interlace", ...fields);
  const facts = await probeFile(path, { ffmpeg });
  expect(facts).toMatchObject({ interlaced: true, fps: 10 });
  const frames = (filters: string[]) =>
    execFileSync(ffmpeg, [
      ...[
        "-v",
        "error",
        "-i",
        path,
        "-vf",
        [...filters, "format=gray"].join(","),
        "-fps_mode",
        "passthrough",
      ],
      ...["-f", "rawvideo", "-"],
    ]).length /
    (96 * 64);
  expect(frames(displayFilters(facts!))).toBe(frames([]));
  expect(displayFilters({ interlaced: false })).toEqual([]);
});

test("a still picture is shown as it is stored, whatever it says for printers", async () => {
  for (const name of ["still.jpg", "still.png"]) {
    const path = make(name, "setsar=2", "-frames:v", "1", "-update", "1");
    expect(await probeFile(path, { ffmpeg })).toMatchObject({
      still: true,
      display: { width: 96, height: 64 },
    });
  }
});

test("a picture that EXIF says is turned is upright, whatever ffmpeg knows of EXIF", async () => {
  const stored = make("stored.png", "null", "-frames:v", "1", "-update", "1");
  const jpegs = ([2, 3, 4, 5, 6, 7, 8] as const).map((orientation) => [orientation, "jpg"] as const);
  for (const [orientation, kind] of [...jpegs, [6, "webp"], [6, "png"]] as const) {
    const path = join(folder, `turned-${orientation}.${kind}`);
    await sharp(stored).withMetadata({ orientation }).toFile(path);
    const facts = await probeFile(path, { ffmpeg });
    const { data, info } = await sharp(path).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const display = { width: info.width, height: info.height };
    expect(facts, path).toMatchObject({ still: true, orientation, display, stored: display });
    const filters = [...displayFilters(facts!), "format=rgb24"].join(",");
    const output = ["-vf", filters, "-f", "rawvideo", "-"];
    const pixels = execFileSync(ffmpeg, ["-v", "error", ...fileInput(path, facts!), ...output]);
    expect(pixels.length).toBe(data.length);
    const difference = pixels.reduce((sum, value, at) => sum + Math.abs(value - data[at]!), 0);
    expect(difference / data.length, path).toBeLessThan(10);
  }
});

test("what holds no picture has no facts, and no program is an error", async () => {
  expect(await probeFile("/etc/hostname", { ffmpeg })).toBeUndefined();
  await expect(probeFile("/etc/hostname", { ffmpeg: "/no/ffmpeg" })).rejects.toThrow("ENOENT");
});

test.each([
  [1, 1],
  [16, 11],
  [8, 9],
  [12, 11],
  [40, 33],
  [1, 100],
  [0, 1],
] as const)("ffmpeg's expressions tell the size of pixels %d:%d as displaySize does", (across, down) => {
  const { width, height } = displayExpressions;
  const filters = `setsar=${across}/${down},scale=w='${width}':h='${height}':eval=frame,format=gray`;
  const input = ["-f", "lavfi", "-i", "color=size=352x288:rate=1:duration=1"];
  const pixels = execFileSync(ffmpeg, ["-v", "error", ...input, "-vf", filters, "-f", "rawvideo", "-"]);
  const size = displaySize({ width: 352, height: 288 }, [across, down]);
  expect(pixels.length).toBe(size.width * size.height);
});

test.each([
  ["index in front", "front.mp4", ["-movflags", "+faststart"]],
  ["index behind", "behind.mov", []],
  ["in fragments", "fragments.mp4", ["-movflags", "+frag_keyframe+empty_moov", "-g", "3"]],
  ["Matroska", "video.mkv", []],
  ["WebM", "video.webm", ["-c:v", "libvpx"]],
  ["AVI", "video.avi", ["-c:v", "mpeg4"]],
  ["MPEG-TS", "video.ts", []],
  ["M2TS", "video.m2ts", []],
  ["JPEG", "picture.jpg", ["-frames:v", "1"]],
  ["PNG", "picture.png", ["-frames:v", "1"]],
])("%s: the whole file is whole, and a part of it is cut short", async (_, name, output) => {
  const path = make(name, "null", ...output);
  expect(await isCutShort(path)).toBe(false);
  const { size } = statSync(path);
  // Odd, so that it lies within a packet.
  for (const length of [size - 1, Math.floor(size / 2) | 1]) {
    truncateSync(path, length);
    expect(await isCutShort(path)).toBe(true);
  }
});

test("MPEG-TS that ends between two packets is cut short when its last stream says how much there should be", async () => {
  const path = make("lengths.ts", "null", "-mpegts_flags", "+resend_headers", "-omit_video_pes_length", "0");
  const packets = statSync(path).size / 188;
  expect(await isCutShort(path)).toBe(false);
  truncateSync(path, 188 * (packets - 1));
  expect(await isCutShort(path)).toBe(true);
});

test("a photo is whole with a thumbnail, progressive, and with what some phones put behind it", async () => {
  const path = join(folder, "photo.jpg");
  await sharp(make("photo.png", "null", "-frames:v", "1"))
    .withMetadata({ orientation: 6 })
    .jpeg({ progressive: true })
    .toFile(path);
  expect(await isCutShort(path)).toBe(false);
  appendFileSync(path, Buffer.from([0, 0, 0xff, 0xda, 0, 2, 1, 2, 3]));
  expect(await isCutShort(path)).toBe(false);
});

test("of other files, and of a stream that does not say its length, nothing is told", async () => {
  const stream = make("stream.h264", "null");
  truncateSync(stream, 2_000);
  expect(await isCutShort(stream)).toBe(false);
  const live = make("live.mkv", "null", "-f", "matroska", "-live", "1");
  expect(await isCutShort(live)).toBe(false);
  expect(await isCutShort("/etc/hostname")).toBe(false);
  await expect(isCutShort(join(folder, "none"))).rejects.toThrow("ENOENT");
});
