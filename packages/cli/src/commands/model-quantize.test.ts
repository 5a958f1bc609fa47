/** `sightline model quantize` and `model eval` as a user runs them, on files and on real RTSP cameras. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { RtspCameras } from "@sightline/stack";
import {
  addModelFiles,
  architecture,
  buildModel,
  describeFiles,
  float32,
  loadModel,
  MANIFEST_FILE,
  type ModelManifest,
  preparedMetadata,
  prepareModel,
  readManifest,
  SeededWeights,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ResultsProcess, runCommand } from "../testing/command-line.ts";

const run = promisify(execFile);
const password = "correct-horse-battery";
const few = [
  "--no-sensitivity",
  "--rounding",
  "nearest",
  "--batches",
  "1",
  "--batch-size",
  "3",
  "--interval",
  "0.2",
];
let folder: string;
let model: string;
let clip: string;
let results: ResultsProcess;
const cameras: RtspCameras[] = [];

const quantize = (...args: string[]) =>
  runCommand(["model", "quantize", model, ...args], { SIGHTLINE_GRPC: results.address });

async function rtspCameras(credentials: { user?: string; password?: string } = {}): Promise<RtspCameras> {
  const logFile = join(folder, `cameras-${cameras.length}.log`);
  const server = await RtspCameras.start({ count: 1, logFile, ...credentials });
  cameras.push(server);
  return server;
}

const manifest = (): Promise<ModelManifest> => readManifest(join(folder, "m", MANIFEST_FILE));

async function calibrationFrames(out: string): Promise<number> {
  return JSON.parse(await readFile(join(out, "int8.report.json"), "utf8")).calibrationFrames;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quantize-"));
  await mkdir(join(folder, "m"));
  model = join(folder, "m", "fp32.onnx");
  clip = join(folder, "clip.mp4");
  const source = "testsrc=size=192x128:rate=10:duration=0.5";
  await run("ffmpeg", ["-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", clip]);
  const input = { width: 96, height: 64, classes: ["person"] };
  const graph = prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input));
  await saveModel(graph, model);
  const metadata = preparedMetadata(graph.metadata);
  const files = { fp32: "fp32.onnx" };
  await writeManifest(
    join(folder, "m"),
    await describeFiles(join(folder, "m"), { name: "m", architecture: "yolo_nas_xs", metadata, files }),
  );
  await addModelFiles(join(folder, "m"), {}, { fp32: { ap: 0.61 } });
  results = await ResultsProcess.start();
});

afterAll(async () => {
  await Promise.all(cameras.map((server) => server.stop()));
  await results?.stop();
  await rm(folder, { recursive: true });
});

test("names its files in model.json, and keeps what was measured on files that stay the same", async () => {
  expect((await quantize("--frames", clip, ...few)).code).toBe(0);
  const first = await manifest();
  expect(Object.keys(first.files)).toEqual(["fp32", "int8Cpu", "int8Trt"]);
  expect(first.accuracy).toEqual({ fp32: { ap: 0.61 } });

  await addModelFiles(join(folder, "m"), {}, { int8Cpu: { ap: 0.6 } });
  const same = await quantize("--frames", clip, ...few);
  expect(same.stdout).not.toContain("for earlier files");
  expect((await manifest()).accuracy).toEqual({ fp32: { ap: 0.61 }, int8Cpu: { ap: 0.6 } });

  const other = await quantize("--frames", clip, ...few, "--method", "percentile", "--percentile", "80");
  expect(other.stdout).toContain("the recorded accuracy of int8Cpu was for earlier files");
  const last = await manifest();
  expect(last.accuracy).toEqual({ fp32: { ap: 0.61 } });
  expect(last.version).not.toBe(first.version);
});

test("takes over files that were fine-tuned from its own, and nothing else", async () => {
  const tuned = join(folder, "tuned");
  const nothing = await quantize("--tuned", folder);
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining("has neither int8.cpu.onnx") });

  const file = join(folder, "m", "int8.cpu.onnx");
  const graph = await loadModel(file);
  const [name, scale] = [...graph.initializers].find(([key]) => key.endsWith("relu/scale"))!;
  graph.initializers.set(name, float32([], [1.5 * Number(scale.data[0])]));
  await mkdir(tuned);
  await saveModel(graph, join(tuned, "int8.cpu.onnx"));
  const before = await manifest();
  const good = await quantize("--tuned", tuned);
  expect(good.code).toBe(0);
  expect(await readFile(file)).toEqual(await readFile(join(tuned, "int8.cpu.onnx")));
  const after = await manifest();
  expect(after.version).not.toBe(before.version);
  expect(after.files.int8Trt).toEqual(before.files.int8Trt);

  await saveModel(await loadModel(model), join(tuned, "int8.cpu.onnx"));
  const other = await quantize("--tuned", tuned);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("not made from this model's own") });
  expect(await manifest()).toEqual(after);
});

test("does not name files of another model in model.json", async () => {
  const before = await manifest();
  const copy = join(folder, "m", "other.onnx");
  await writeFile(copy, await readFile(model));
  const { code, stdout } = await runCommand(["model", "quantize", copy, "--frames", clip, ...few]);
  expect(code).toBe(0);
  expect(stdout).toContain("is left as it is: it describes fp32.onnx");
  expect(await manifest()).toEqual(before);
});

test("eval --record writes the accuracy of both models beside them, as it prints it", async () => {
  const coco = join(folder, "labels.json");
  const images = [0, 1, 2, 3, 4].map((id) => ({ id, width: 192, height: 128 }));
  const annotations = images.map(({ id }) => ({ image_id: id, category_id: 1, bbox: [20, 20, 60, 80] }));
  await writeFile(coco, JSON.stringify({ images, annotations, categories: [{ id: 1, name: "person" }] }));
  const args = ["model", "eval", model, "--coco", coco, "--images", clip, "--json", "--record"];
  const compare = ["--compare", join(folder, "m", "int8.cpu.onnx")];
  const { stdout, code } = await runCommand([...args, ...compare]);
  expect(code).toBe(0);
  const printed = JSON.parse(stdout);
  const { accuracy, accuracyOn } = await manifest();
  expect(accuracyOn).toEqual({ fp32: "any CPU", int8Cpu: "any CPU" });
  for (const [precision, { metrics, tallerThan }] of [
    ["fp32", printed],
    ["int8Cpu", printed.compare],
  ] as const) {
    expect(accuracy?.[precision]?.ap).toBeCloseTo(metrics.ap, 4);
    expect(accuracy?.[precision]?.ap50TallerThan32).toBeCloseTo(tallerThan.ap50, 4);
  }
  const words = await runCommand(["model", "inspect", join(folder, "m", "int8.cpu.onnx")]);
  expect(words.stdout).toContain("exact on every processor");
  expect(words.stdout).toMatch(/Accuracy of int8Cpu: AP [\d.]+, measured for any CPU\./);
  const forTensorRt = await runCommand([...args, "--compare", join(folder, "m", "int8.trt.onnx")]);
  expect(forTensorRt).toMatchObject({ code: 1, stderr: expect.stringContaining("give --simulate") });
  const stray = await runCommand([...args, "--compare", join(folder, "m", "other.onnx")]);
  expect(stray).toMatchObject({ code: 1, stderr: expect.stringContaining("does not name other.onnx") });
});

test("--ap-per-layer without labels is refused before anything is done", async () => {
  const { code, stderr } = await quantize("--frames", clip, "--ap-per-layer");
  expect(code).toBe(1);
  expect(stderr).toContain("--coco");
});

test("takes its frames from a registered camera", async () => {
  const server = await rtspCameras();
  const env = { SIGHTLINE_GRPC: results.address };
  await runCommand(["camera", "add", "front", server.url("camera-1")], env);
  const out = join(folder, "from-camera");
  const { code, stderr } = await quantize("--camera", "front", ...few, "--out", out);
  expect(stderr).toContain("calibrating: 3 of 3");
  expect(code).toBe(0);
  expect(await calibrationFrames(out)).toBe(3);
});

test("takes its frames from an RTSP URL with a password, and never shows the password", async () => {
  const server = await rtspCameras({ user: "admin", password });
  const url = (secret: string) => server.url("camera-1").replace("rtsp://", `rtsp://admin:${secret}@`);
  const out = join(folder, "from-url");
  const good = await quantize("--frames", url(password), ...few, "--out", out);
  expect(good.code).toBe(0);
  expect(await calibrationFrames(out)).toBe(3);

  const wrong = await quantize("--frames", url("wrong-secret"), ...few, "--out", out);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain(server.url("camera-1"));
  for (const text of [good.stdout, good.stderr]) expect(text).not.toContain(password);
  expect(wrong.stderr).not.toContain("wrong-secret");

  await runCommand(["camera", "add", "gate", url(password)], { SIGHTLINE_GRPC: results.address });
  const registered = await quantize("--camera", "gate", ...few, "--out", out);
  expect(registered.code).toBe(1);
  expect(registered.stderr).toContain("--frames rtsp://USER:PASSWORD@");
  expect(registered.stderr).not.toContain(password);
});

test("says what it needs when there is no frame source, or two", async () => {
  for (const args of [[], ["--frames", clip, "--camera", "front"]]) {
    const { code, stderr } = await quantize(...args);
    expect(code).toBe(1);
    expect(stderr).toContain("--camera NAME");
  }
});
