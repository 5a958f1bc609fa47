/** `sightline detect` as a user runs it, with ffmpeg and a model of random weights. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { architecture, buildModel, prepareModel, SeededWeights, saveModel } from "@sightline/yolo-nas";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findMedia, openMedia } from "../detect/media-files.ts";

const run = promisify(execFile);
let folder: string;
let model: string;

/** A moving test picture: `frames` frames at 10 a second. */
async function testMedia(name: string, frames: number): Promise<string> {
  const path = join(folder, "media", name);
  const source = `testsrc=size=160x90:rate=10:duration=${frames / 10}`;
  await run("ffmpeg", ["-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-y", path]);
  return path;
}

function detect(...args: string[]) {
  return run(process.execPath, [
    join(projectRoot, "packages/cli/src/main.ts"),
    "detect",
    "--model",
    model,
    ...args,
  ]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "detect-"));
  await mkdir(join(folder, "media"));
  model = join(folder, "model.onnx");
  const input = { width: 128, height: 96, classes: ["cat", "dog"] };
  await saveModel(prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input)), model);
});
afterAll(() => rm(folder, { recursive: true }));

test("prints one JSON line a frame, with boxes inside the source picture", async () => {
  const video = await testMedia("clip.mp4", 5);
  const { stdout } = await detect(video, "--json", "--min-score", "0.001");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4]);
  for (const line of lines) {
    expect(line).toMatchObject({ source: video, width: 160, height: 90 });
    expect(line.detections.length).toBeGreaterThan(0);
    for (const { class: name, classId, score, box } of line.detections) {
      expect(name).toBe(["cat", "dog"][classId]);
      expect(score).toBeGreaterThan(0.001);
      const [x1, y1, x2, y2] = box;
      expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0);
      expect(x2).toBeLessThanOrEqual(160);
      expect(y2).toBeLessThanOrEqual(90);
    }
  }
});

test("saves every picture and video of a folder at its own size and length", async () => {
  await testMedia("clip.mp4", 5);
  await testMedia("still.png", 1);
  const out = join(folder, "out");
  const { stdout } = await detect(join(folder, "media"), "--out", out, "--min-score", "0.001");
  expect(stdout).toBe(`${join(out, "clip.mp4")}\n${join(out, "still.png")}\n`);
  expect((await readdir(out)).sort()).toEqual(["clip.mp4", "still.png"]);
  const written = await Promise.all((await findMedia(out)).map((each) => openMedia(each, "ffmpeg")));
  expect(written).toMatchObject([
    { kind: "video", width: 160, height: 90, fps: 10, frames: 5 },
    { kind: "picture", width: 160, height: 90 },
  ]);
});

test.each([
  ["with pixels that are not square", ["-vf", "scale=80:90,setsar=2"], []],
  [
    "of two fields",
    ["-vf", "scale=160:96,fps=20,interlace,setsar=12/11", "-flags", "+ildct+ilme", "-x264opts", "tff=1"],
    [],
  ],
  ["cropped by its encoder", ["-vf", "scale=154:86"], []],
  ["stored on its side", ["-vf", "setsar=16/11"], ["-metadata:s:v", "rotate=90"]],
])("boxes and copies of a video %s are as ffprobe says it is shown", async (_, made, copied) => {
  const source = await testMedia("clip.mp4", 5);
  const stored = join(folder, "stored.mp4");
  const video = join(folder, "shown.mp4");
  await run("ffmpeg", ["-loglevel", "error", "-i", source, ...made, "-y", stored]);
  await run("ffmpeg", ["-loglevel", "error", "-i", stored, "-c", "copy", ...copied, "-y", video]);
  const { stdout: words } = await run("ffprobe", [
    ...["-v", "error", "-of", "json", "-show_entries"],
    "stream=width,height,sample_aspect_ratio,nb_frames:stream_side_data=rotation",
    video,
  ]);
  const {
    width,
    height,
    sample_aspect_ratio = "1:1",
    nb_frames,
    side_data_list,
  } = JSON.parse(words).streams[0];
  const [across, down] = sample_aspect_ratio.split(":").map(Number);
  const turned = side_data_list?.some(
    ({ rotation }: { rotation?: number }) => Math.abs(rotation ?? 0) === 90,
  );
  const upright =
    across >= down
      ? [Math.round((width * across) / down), height]
      : [width, Math.round((height * down) / across)];
  const [shownWidth, shownHeight] = turned ? upright.toReversed() : upright;
  const out = join(folder, "shown");
  const { stdout, stderr } = await detect(video, "--json", "--out", out, "--min-score", "0.001");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(Number(nb_frames));
  const right = Math.max(
    ...lines.flatMap(({ detections }) => detections.map(({ box }: { box: number[] }) => box[2]!)),
  );
  expect(right).toBeLessThanOrEqual(shownWidth);
  expect(right).toBeGreaterThan(0.8 * shownWidth);
  for (const line of lines) expect(line).toMatchObject({ width: shownWidth, height: shownHeight });
  expect(stderr).not.toContain("sightline:");
  // H.264 wants even sides.
  const even = (side: number) => 2 * Math.ceil(side / 2);
  const [copy] = await findMedia(out);
  expect(await openMedia(copy!, "ffmpeg")).toMatchObject({
    width: even(shownWidth),
    height: even(shownHeight),
    frames: lines.length,
  });
});

test("does the rest of a folder, tells of each file that is broken or cut short, and fails", async () => {
  const place = join(folder, "partly");
  await mkdir(place);
  const clip = await testMedia("clip.mp4", 5);
  await writeFile(join(place, "a.png"), "no picture");
  await copyFile(await testMedia("still.png", 1), join(place, "b.png"));
  await run("ffmpeg", [
    "-loglevel",
    "error",
    "-i",
    clip,
    "-c",
    "copy",
    "-movflags",
    "+faststart",
    join(place, "c.mp4"),
  ]);
  await truncate(join(place, "c.mp4"), (await stat(join(place, "c.mp4"))).size - 200);
  await copyFile(clip, join(place, "d.mp4"));
  const out = join(folder, "partly-out");
  const failed = await detect(place, "--json", "--out", out).catch((error) => error);
  expect(failed).toMatchObject({ code: 1 });
  const sources = failed.stdout
    .trim()
    .split("\n")
    .map((line: string) => basename(JSON.parse(line).source));
  expect(new Set(sources)).toEqual(new Set(["b.png", "c.mp4", "d.mp4"]));
  expect(failed.stderr.split("\n").filter((line: string) => line.startsWith("sightline:"))).toEqual([
    expect.stringContaining("a.png is not a picture or video"),
    expect.stringMatching(/c\.mp4 is cut short.*frames? (was|were) read/),
  ]);
  expect((await readdir(out)).sort()).toEqual(["b.png", "c.mp4", "d.mp4"]);
});

test("files of a folder whose copies would have one name each keep their own", async () => {
  for (const name of ["twins/a.mkv", "twins/a.mov", "twins/a.mp4", "twins/A.png"]) {
    await mkdir(join(folder, "media", "twins"), { recursive: true });
    await testMedia(name, name.endsWith("v") ? 2 : 1);
  }
  const out = join(folder, "copies");
  await detect(join(folder, "media", "twins"), "--out", out);
  expect((await readdir(out)).sort()).toEqual(["A.png", "a.mkv.mp4", "a.mov.mp4", "a.mp4"]);
  await rm(join(folder, "media", "twins"), { recursive: true });
});

test("saves one picture as the file that --out names, and never over the picture itself", async () => {
  const [still, clip] = [await testMedia("still.png", 1), await testMedia("clip.mp4", 1)];
  const out = join(folder, "new", "copy.jpg");
  const { stdout, stderr } = await detect(still, "--out", out, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ source: still });
  expect(stderr.split("\n")).toContain(out);
  const [copy] = await findMedia(out);
  expect(await openMedia(copy!, "ffmpeg")).toMatchObject({ kind: "picture", width: 160, height: 90 });
  for (const [path, wrong, words] of [
    [clip, out, "is a picture's name, but"],
    [join(folder, "media"), out, "there are 2 pictures and videos; name a folder"],
    [still, join(folder, "media"), "would replace"],
  ] as const)
    await expect(detect(path, "--out", wrong)).rejects.toMatchObject({
      stderr: expect.stringContaining(words),
    });
});

test("boxes and the copy of a phone's picture are as it is seen", async () => {
  const photo = join(folder, "photo.jpg");
  await sharp(await testMedia("still.png", 1))
    .withMetadata({ orientation: 6 })
    .toFile(photo);
  const copy = join(folder, "photo-copy.jpg");
  const { stdout } = await detect(photo, "--json", "--out", copy, "--min-score", "0.001");
  const { width, height, detections } = JSON.parse(stdout);
  expect({ width, height }).toEqual({ width: 90, height: 160 });
  expect(Math.max(...detections.map(({ box }: { box: number[] }) => box[3]!))).toBeGreaterThan(90);
  const [written] = await findMedia(copy);
  expect(await openMedia(written!, "ffmpeg")).toMatchObject({ width: 90, height: 160 });
});

test("says what is wrong with a path that holds nothing", async () => {
  await expect(detect(join(folder, "absent.mp4"))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("absent.mp4"),
  });
});

test("model inspect takes a name or a folder too; a wrong place is told, whatever the command", async () => {
  const cli = (...args: string[]) =>
    run(process.execPath, [join(projectRoot, "packages/cli/src/main.ts"), ...args]);
  const file = join("yolo-nas-pedestrians", "int8.cpu.onnx");
  for (const named of ["yolo-nas-pedestrians", join(projectRoot, "models/yolo-nas-pedestrians")])
    expect((await cli("model", "inspect", named)).stdout).toContain(
      `${file}\nThis is Sightline's prepared form`,
    );
  const labels = join(projectRoot, "models/yolo-nas-pedestrians/labels/eval.coco.json");
  for (const [words, ...args] of [
    ["there is no model 'none'", "model", "inspect", "none"],
    ["There is no model file none.", "model", "prepare", "none", "--out", join(folder, "x")],
    ["is a folder; name an ONNX file", "model", "eval", folder, "--coco", labels, "--images", folder],
    ["COCO annotations cannot be read from none", "model", "eval", model, "--coco", "none", "--images", "x"],
    ["There is no file or folder none.", "model", "quantize", model, "--frames", "none"],
  ])
    await expect(cli(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(words!) });
});
