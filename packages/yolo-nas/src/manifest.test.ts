import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ModelFileError } from "./errors.ts";
import {
  addModelFiles,
  describeFiles,
  MANIFEST_FILE,
  modelManifestSchema,
  modelVersion,
  readManifest,
  writeManifest,
} from "./manifest.ts";

const metadata = {
  classes: ["person"],
  input: { width: 640, height: 384 },
  frame: { width: 640, height: 384 },
  fit: { width: 636, height: 380 },
  pixelFormat: "gbrp",
  padValue: 114,
} as const;

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "manifest-"));
  path = join(folder, MANIFEST_FILE);
  await writeFile(join(folder, "fp32.onnx"), "float");
  await writeFile(join(folder, "int8.cpu.onnx"), "eight bits");
  const files = { fp32: "fp32.onnx" };
  await writeManifest(
    folder,
    await describeFiles(folder, { name: "m", architecture: "yolo_nas_s", metadata, files }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

test("is read back as written, with super-gradients' thresholds", async () => {
  const manifest = await readManifest(path);
  expect(manifest).toMatchObject({ ...metadata, name: "m", files: { fp32: { file: "fp32.onnx" } } });
  expect(manifest.thresholds).toEqual({ score: 0.25, iou: 0.7, preNmsTopK: 1024, maxDetections: 300 });
  expect(manifest.files.int8Cpu).toBeUndefined();
});

test("takes further files, and changes its version with them", async () => {
  const before = await readManifest(path);
  await addModelFiles(
    folder,
    { int8Cpu: "int8.cpu.onnx" },
    { int8Cpu: { ap: 0.5 } },
    { int8Cpu: "a CPU with VNNI" },
  );
  const after = await readManifest(path);
  expect(after.files).toMatchObject({ ...before.files, int8Cpu: { file: "int8.cpu.onnx" } });
  expect(after.accuracy).toEqual({ int8Cpu: { ap: 0.5 } });
  expect(after.version).not.toBe(before.version);
});

test("keeps the accuracy of files that are still the same, and of no other", async () => {
  await addModelFiles(folder, {}, { fp32: { ap: 0.6 } }, { fp32: "any CPU" });
  expect((await readManifest(path)).accuracy).toEqual({ fp32: { ap: 0.6 }, int8Cpu: { ap: 0.5 } });
  const places = { fp32: "any CPU", int8Cpu: "a CPU with VNNI" };
  expect((await readManifest(path)).accuracyOn).toEqual(places);
  await writeFile(join(folder, "int8.cpu.onnx"), "other eight bits");
  const replaced = await addModelFiles(folder, { int8Cpu: "int8.cpu.onnx" });
  expect(replaced.accuracy).toEqual({ fp32: { ap: 0.6 } });
  expect(replaced.accuracyOn).toEqual({ fp32: "any CPU" });
  expect(await readManifest(path)).toEqual(replaced);
});

test("drops an engine with the INT8 file it was built from, and not before", async () => {
  await writeFile(join(folder, "int8.trt.onnx"), "symmetric");
  await writeFile(join(folder, "engine.onnx"), "wrapper");
  await addModelFiles(folder, { int8Trt: "int8.trt.onnx", trtEngine: "engine.onnx" });
  const built = await addModelFiles(folder, {});
  expect(built.files.trtEngine?.file).toBe("engine.onnx");
  // Each machine builds its own engine, and all have the same version of the model.
  const { trtEngine: _, ...portable } = built.files;
  expect(built.version).toBe(modelVersion(portable));
  await writeFile(join(folder, "int8.trt.onnx"), "symmetric, other ranges");
  const { files } = await addModelFiles(folder, { int8Trt: "int8.trt.onnx" });
  expect(Object.keys(files)).toEqual(["fp32", "int8Cpu", "int8Trt"]);
});

test("notices a file that is not the one it describes", async () => {
  await writeFile(join(folder, "fp32.onnx"), "changed");
  await expect(readManifest(path)).rejects.toThrow(ModelFileError);
  await writeFile(join(folder, "fp32.onnx"), "float");
  await expect(readManifest(path)).resolves.toBeDefined();
});

test("is refused when it is missing, no JSON, or points out of its folder", async () => {
  const broken = join(folder, "broken.json");
  await expect(readManifest(broken)).rejects.toThrow(ModelFileError);
  await writeFile(broken, "{");
  await expect(readManifest(broken)).rejects.toThrow(ModelFileError);
  const whole = await readFile(path, "utf8");
  await writeFile(broken, whole.replace("{", '{ "name": "other",'));
  await expect(readManifest(broken)).rejects.toThrow(/stands twice.*unique/s);
  await writeFile(broken, Buffer.concat([Buffer.from(whole.slice(0, -3)), Buffer.from([0x22, 0xff, 0x22])]));
  await expect(readManifest(broken)).rejects.toThrow("not JSON in UTF-8");
  const manifest = JSON.parse(await readFile(path, "utf8")) as { files: { fp32: { file: string } } };
  manifest.files.fp32.file = "../fp32.onnx";
  expect(modelManifestSchema.safeParse(manifest).success).toBe(false);
  expect(modelManifestSchema.safeParse({ ...manifest, files: {} }).success).toBe(false);
});
