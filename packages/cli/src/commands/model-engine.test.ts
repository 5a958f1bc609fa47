/** `sightline model engine` as a user runs it, with a program in trtexec's place: no GPU is needed. */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  architecture,
  buildModel,
  checkEngine,
  describeFiles,
  loadModel,
  MANIFEST_FILE,
  preparedMetadata,
  prepareModel,
  readManifest,
  SeededWeights,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../testing/command-line.ts";

const trtexecScript = `#!/bin/sh
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v100900] [b34] # trtexec"
echo "[I] Selected Device: Tesla T4"
echo "[I] Compute Capability: 7.5"
echo "$@" > "$(dirname "$0")/arguments"
for a in "$@"; do case "$a" in --saveEngine=*) echo engine > "\${a#--saveEngine=}";; esac; done
`;

let folder: string;
let model: string;
let trtexec: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-"));
  model = join(folder, "int8.trt.onnx");
  const input = { width: 96, height: 64, classes: ["person"] };
  const graph = prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input));
  await saveModel(graph, model);
  const metadata = preparedMetadata(graph.metadata);
  await saveModel(graph, join(folder, "fp32.onnx"));
  const files = { int8Trt: "int8.trt.onnx", fp32: "fp32.onnx" };
  await writeManifest(
    folder,
    await describeFiles(folder, { name: "m", architecture: "yolo_nas_xs", metadata, files }),
  );
  trtexec = join(folder, "trtexec");
  await writeFile(trtexec, trtexecScript);
  await chmod(trtexec, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

test("names the engine in model.json, so that a worker finds it", async () => {
  const { code, stdout } = await runCommand(["model", "engine", model, "--trtexec", trtexec]);
  expect(code).toBe(0);
  expect(stdout).toContain("built for Tesla T4, TensorRT 10.9.0, batch 1 to 8");
  const { files } = await readManifest(join(folder, MANIFEST_FILE));
  expect(files.trtEngine?.file).toBe("int8.engine.onnx");
});

test("the engine reads I420, half the bytes, unless it is told otherwise", async () => {
  const input = async (...words: string[]) => {
    const { stdout } = await runCommand(["model", "engine", model, "--trtexec", trtexec, ...words]);
    const wrapper = await loadModel(stdout.split(" ")[0]!);
    return [wrapper.inputs[0]!.shape, preparedMetadata(wrapper.metadata).pixelFormat];
  };
  expect(await input()).toEqual([["N", 1, 96, 96], "i420"]);
  expect(await readFile(join(folder, "arguments"), "utf8")).toContain("--optShapes=frames:4x1x96x96");
  expect(await input("--frames", "gbrp")).toEqual([["N", 3, 64, 96], "gbrp"]);
  // What was built of it is gone.
  expect((await readdir(folder)).filter((name) => name.includes("partial"))).toEqual([]);
});

test("builds several precisions of a model's folder in one go, and says which builder and how far it is", async () => {
  const words = [...["--precision", "int8,fp16"], ...["--max", "32", "--optimization-level", "0"]];
  const { code, stdout, stderr } = await runCommand([
    "model",
    "engine",
    folder,
    "--trtexec",
    trtexec,
    ...words,
  ]);
  expect([code, stderr]).toEqual([0, expect.stringContaining(`building with trtexec (${trtexec})`)]);
  expect(stderr).toMatch(
    /1 of 2: int8 engine of .*int8\.trt\.onnx, \d+ s: done\n2 of 2: fp16 engine of .*fp32\.onnx/,
  );
  expect(stdout).toContain("batch 1 to 32");
  expect(await checkEngine(join(folder, "fp16.engine.onnx"), { maxBatch: 32 })).toMatchObject({
    precision: "fp16",
  });
  const wrong = await runCommand(["model", "engine", model, "--precision", "int4"]);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("int8, fp16, fp32")]);
});

test("an engine whose file was exchanged is not evaluated, and the error says how to build it", async () => {
  const wrapper = join(folder, "int8.engine.onnx");
  const coco = join(folder, "labels.json");
  const images = [{ id: 0, width: 192, height: 128 }];
  await writeFile(coco, JSON.stringify({ images, annotations: [], categories: [{ id: 1, name: "person" }] }));
  const engineFile = /int8\.engine\.sm75-[\w.-]+\.engine/.exec(
    (await readFile(wrapper)).toString("latin1"),
  )![0];
  await writeFile(join(folder, engineFile), "another");
  const args = ["model", "eval", wrapper, "--provider", "tensorrt", "--coco", coco, "--images", folder];
  const { code, stderr } = await runCommand(args);
  expect(code).toBe(1);
  expect(stderr).toContain("sightline model engine");
});

test("without trtexec it says what to install", async () => {
  const { code, stderr } = await runCommand(["model", "engine", model, "--trtexec", join(folder, "none")]);
  expect(code).toBe(1);
  expect(stderr).toContain("--trtexec PATH");
});
