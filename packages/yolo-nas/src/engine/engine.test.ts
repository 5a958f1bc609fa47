import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadModel, OnnxGraph, saveModel } from "../onnx/index.ts";
import { InferenceSession } from "../runtime/onnx-runtime.ts";
import { buildEngine } from "./build-engine.ts";
import { checkEngine } from "./check-engine.ts";
import { findEngineBuilder } from "./engine-builder.ts";
import { engineTag } from "./engine-key.ts";
import { tensorrtVersion } from "./run-trtexec.ts";
import { trtexecArguments } from "./trtexec-command.ts";

const profile = { min: 1, opt: 4, max: 8 };
const gpu = { name: "NVIDIA GeForce RTX 4090", computeCapability: "8.9" };
let folder: string;
let onnxPath: string;
let outPath: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sightline-engine-"));
  onnxPath = join(folder, "model.int8.trt.onnx");
  outPath = join(folder, "model.engine.onnx");
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "frames", type: "uint8", shape: ["N", 3, 64, 96] }];
  graph.outputs = [{ name: "pixels", type: "float32", shape: ["N", 3, 64, 96] }];
  graph.addNode({
    op: "Cast",
    inputs: ["frames"],
    outputs: ["pixels"],
    attributes: { to: { kind: "int", value: 1 } },
  });
  graph.metadata.set("classes", '["person"]');
  await saveModel(graph, onnxPath);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program in trtexec's place: real processes and files, without a GPU. */
async function program(script: string): Promise<string> {
  const path = join(folder, "trtexec");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const builds = `
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v100900] [b34] # trtexec"
echo "[I] Selected Device: ${gpu.name}"
echo "[I] Compute Capability: ${gpu.computeCapability}" >&2
for a in "$@"; do case "$a" in --saveEngine=*) echo engine > "\${a#--saveEngine=}";; esac; done`;

const build = async (script = builds) =>
  buildEngine({
    onnxPath,
    outPath,
    profile,
    builder: await findEngineBuilder({ trtexec: await program(script) }),
  });

describe("trtexec's command line", () => {
  it("asks for INT8 and FP16 with a batch profile, a timing cache and no calibration table", () => {
    const input = { name: "frames", channels: 3, height: 384, width: 640 };
    const args = trtexecArguments({
      onnxPath: "a.onnx",
      enginePath: "a.engine",
      timingCachePath: "t",
      input,
      profile,
    });
    expect(args).toEqual([
      "--onnx=a.onnx",
      "--saveEngine=a.engine",
      "--timingCacheFile=t",
      "--int8",
      "--fp16",
      "--minShapes=frames:1x3x384x640",
      "--optShapes=frames:4x3x384x640",
      "--maxShapes=frames:8x3x384x640",
      "--skipInference",
    ]);
  });

  it("takes a precision and an optimisation level", () => {
    const input = { name: "frames", channels: 3, height: 384, width: 640 };
    const paths = { onnxPath: "a.onnx", enginePath: "a.engine", timingCachePath: "t" };
    const flags = (precision: "fp16" | "fp32") =>
      trtexecArguments({ ...paths, input, profile, precision, optimizationLevel: 0 })
        .slice(3)
        .filter((word) => !word.includes("Shapes"));
    expect(flags("fp16")).toEqual(["--fp16", "--builderOptimizationLevel=0", "--skipInference"]);
    expect(flags("fp32")).toEqual(["--builderOptimizationLevel=0", "--skipInference"]);
  });

  it.each([
    { min: 0, opt: 1, max: 1 },
    { min: 2, opt: 1, max: 4 },
    { min: 1, opt: 8, max: 4 },
  ])("refuses the batch profile %o", async (wrong) => {
    await expect(buildEngine({ onnxPath, outPath, profile: wrong })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  it("reads both of TensorRT's version schemes", () => {
    expect([8601, 100900, 110200].map(tensorrtVersion)).toEqual(["8.6.1", "10.9.0", "11.2.0"]);
  });
});

describe("building", () => {
  it("wraps the engine in one EPContext node with the source's interface and metadata", async () => {
    const built = await build();
    const graph = await loadModel(outPath);
    expect(graph.nodes).toHaveLength(1);
    const [node] = graph.nodes;
    expect([node!.domain, node!.op]).toEqual(["com.microsoft", "EPContext"]);
    expect(Object.fromEntries([...node!.attributes].map(([name, value]) => [name, value.value]))).toEqual({
      main_context: 1,
      embed_mode: 0,
      ep_cache_context: built.enginePath.slice(folder.length + 1),
      hardware_architecture: "89",
      onnx_model_filename: "model.int8.trt.onnx",
    });
    expect(graph.inputs).toEqual([{ name: "frames", type: "uint8", shape: ["N", 3, 64, 96] }]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["pixels"]);
    expect(graph.opsets.get("com.microsoft")).toBe(1);
    expect(graph.metadata.get("classes")).toBe('["person"]');
    expect(built.key).toMatchObject({ tensorrt: "10.9.0", gpu, profile });
  });

  it("is a file ONNX Runtime parses, and refuses only for want of the TensorRT provider", async () => {
    await build();
    await expect(InferenceSession.create(outPath, { logSeverityLevel: 4 })).rejects.toThrow(/EPContext/);
  });

  it("says what to do when there is no trtexec", async () => {
    const builder = await findEngineBuilder({ trtexec: join(folder, "nowhere") });
    await expect(buildEngine({ onnxPath, outPath, profile, builder })).rejects.toMatchObject({
      name: "EngineError",
      code: "trtexec_missing",
      message: expect.stringContaining("--trtexec"),
    });
  });

  it("says what to install when there is neither trtexec nor TensorRT's Python bindings", async () => {
    vi.stubEnv("PATH", folder);
    const python = join(folder, "python");
    await writeFile(
      python,
      '#!/bin/sh\necho "[E] TensorRT\'s Python bindings cannot be loaded" >&2; exit 1\n',
    );
    await chmod(python, 0o755);
    try {
      await expect(findEngineBuilder({ python })).rejects.toMatchObject({
        code: "builder_missing",
        message: expect.stringMatching(/bindings cannot be loaded.*gpu install --tensorrt.*--trtexec PATH/),
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("reports trtexec's last lines when it fails, and leaves no file behind", async () => {
    await expect(build(`${builds}\necho "[E] no plugin for X" >&2\nexit 3`)).rejects.toMatchObject({
      code: "trtexec_failed",
      message: expect.stringContaining("no plugin for X"),
    });
    expect((await readdir(folder)).filter((name) => name.includes("engine"))).toEqual([]);
  });

  it("refuses an engine whose machine trtexec did not name", async () => {
    await expect(build("exit 0")).rejects.toMatchObject({ code: "trtexec_failed" });
  });

  it("ends trtexec when told to stop", async () => {
    const controller = new AbortController();
    const builder = await findEngineBuilder({ trtexec: await program("echo started; exec sleep 60") });
    const onLine = () => controller.abort(new Error("stop"));
    const { signal } = controller;
    await expect(buildEngine({ onnxPath, outPath, profile, builder, signal, onLine })).rejects.toThrow(
      "stop",
    );
  });
});

describe("checking before loading", () => {
  it("accepts the engine it built, and returns its key", async () => {
    const { key } = await build();
    const accepted = await checkEngine(outPath, { gpu, tensorrt: "10.9.0", onnxPath, maxBatch: 8 });
    expect(accepted).toEqual(key);
  });

  it.each([
    ["wrong_gpu", { gpu: { name: "Tesla T4", computeCapability: "7.5" } }],
    ["wrong_tensorrt", { tensorrt: "10.8.0" }],
    ["profile_mismatch", { maxBatch: 9 }],
  ])("refuses with %s, saying how to rebuild", async (code, expected) => {
    await build();
    await expect(checkEngine(outPath, expected)).rejects.toMatchObject({
      code,
      message: expect.stringContaining("sightline model engine"),
    });
  });

  it("refuses an engine of another model", async () => {
    await build();
    const graph = await loadModel(onnxPath);
    graph.metadata.set("classes", '["car"]');
    await saveModel(graph, onnxPath);
    await expect(checkEngine(outPath, { onnxPath })).rejects.toMatchObject({ code: "model_mismatch" });
  });

  it("refuses a missing and an exchanged engine file", async () => {
    const { enginePath } = await build();
    await writeFile(enginePath, "another");
    await expect(checkEngine(outPath)).rejects.toMatchObject({ code: "engine_file_changed" });
    await rm(enginePath);
    await expect(checkEngine(outPath)).rejects.toMatchObject({ code: "engine_file_missing" });
  });

  it("refuses an ordinary model, and an engine it cannot vouch for", async () => {
    await expect(checkEngine(onnxPath)).rejects.toMatchObject({ code: "not_an_engine" });
    await build();
    const graph = await loadModel(outPath);
    graph.metadata.delete("sightline.engine");
    await saveModel(graph, outPath);
    await expect(checkEngine(outPath)).rejects.toMatchObject({ code: "foreign_engine" });
  });

  it("refuses a path out of the wrapper's folder, as ONNX Runtime would", async () => {
    await build();
    const graph = await loadModel(outPath);
    graph.nodes[0]!.attributes.set("ep_cache_context", { kind: "string", value: "../other.engine" });
    await saveModel(graph, outPath);
    await expect(checkEngine(outPath)).rejects.toMatchObject({ code: "foreign_engine" });
  });

  it("gives every difference in the key another file name", () => {
    const base = {
      modelDigest: "a".repeat(64),
      gpu,
      tensorrt: "10.9.0",
      precision: "int8+fp16",
      profile,
    } as const;
    const tags = [
      base,
      { ...base, modelDigest: "b".repeat(64) },
      { ...base, gpu: { ...gpu, name: "L4" } },
      { ...base, tensorrt: "10.8.0" },
      { ...base, profile: { ...profile, max: 16 } },
      { ...base, precision: "fp16" } as const,
    ].map(engineTag);
    expect(new Set(tags).size).toBe(tags.length);
    expect(engineTag({ ...base })).toBe(tags[0]);
  });
});
