/** `sightline detect` as a user runs it, with ffmpeg and a model of random weights. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { architecture, buildModel, prepareModel, SeededWeights, saveModel } from "@sightline/yolo-nas";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findMedia } from "../detect/media-files.ts";

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
  const written = await findMedia(out, "ffmpeg");
  expect(written).toMatchObject([
    { kind: "video", width: 160, height: 90, fps: 10, frames: 5 },
    { kind: "picture", width: 160, height: 90 },
  ]);
});

test("saves one picture as the file that --out names, and never over the picture itself", async () => {
  const [still, clip] = [await testMedia("still.png", 1), await testMedia("clip.mp4", 1)];
  const out = join(folder, "new", "copy.jpg");
  const { stdout, stderr } = await detect(still, "--out", out, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ source: still });
  expect(stderr.split("\n")).toContain(out);
  expect(await findMedia(out, "ffmpeg")).toMatchObject([{ kind: "picture", width: 160, height: 90 }]);
  for (const [path, wrong, words] of [
    [clip, out, "is a picture's name, but"],
    [join(folder, "media"), out, "there are 2 pictures and videos; name a folder"],
    [still, join(folder, "media"), "would replace"],
  ] as const)
    await expect(detect(path, "--out", wrong)).rejects.toMatchObject({
      stderr: expect.stringContaining(words),
    });
});

test("says what is wrong with a path that holds nothing", async () => {
  await expect(detect(join(folder, "absent.mp4"))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("absent.mp4"),
  });
});
