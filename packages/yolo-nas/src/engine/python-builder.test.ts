/** The builder script for TensorRT's Python bindings, with a package of their names and a driver's library in their place: no GPU is needed. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { OnnxGraph, saveModel } from "../onnx/index.ts";
import { buildEngine } from "./build-engine.ts";
import { findEngineBuilder } from "./engine-builder.ts";

/** Writes what was asked of it as the engine. A timing cache is good when it begins with "of this GPU" or is new. */
const bindings = `
__version__ = "10.9.0.34"
class Logger:
    INFO = 2
    def __init__(self, level): pass
class BuilderFlag:
    INT8, FP16 = "INT8", "FP16"
class Network:
    pass
class OnnxParser:
    num_errors = 1
    def __init__(self, network, logger): self.network = network
    def parse_from_file(self, path):
        self.network.onnx = open(path, "rb").read()
        return len(self.network.onnx) > 0
    def get_error(self, i): return "no such operation"
class Cache:
    def __init__(self, content): self.content = content
    def serialize(self): return b"of this GPU, " + self.content[-3:]
class Config:
    builder_optimization_level = 3
    def __init__(self): self.flags, self.cache, self.profile = [], None, None
    def set_flag(self, flag): self.flags.append(flag)
    def create_timing_cache(self, content): return None if content == b"broken" else Cache(content)
    def set_timing_cache(self, cache, ignore_mismatch):
        good = cache.content == b"" or cache.content.startswith(b"of this GPU")
        if good: self.cache = cache
        return good
    def get_timing_cache(self): return self.cache
    def add_optimization_profile(self, profile): self.profile = profile
class Profile:
    def set_shape(self, name, least, usual, most): self.shapes = (name, least, usual, most)
class Builder:
    def __init__(self, logger): pass
    def create_network(self, flags): return Network()
    def create_builder_config(self): return Config()
    def create_optimization_profile(self): return Profile()
    def build_serialized_network(self, network, config):
        return repr((config.flags, config.builder_optimization_level, config.profile.shapes)).encode()
`;

const driver = `
#include <string.h>
int cuInit(unsigned flags) { return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 7; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "NVIDIA L4", length); return device == 7 ? 0 : 101; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { *value = attribute == 75 ? 8 : 9; return device == 7 ? 0 : 101; }
`;

let folder: string;
let compiled = false;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sightline-bindings-"));
  await mkdir(join(folder, "tensorrt"));
  await writeFile(join(folder, "tensorrt", "__init__.py"), bindings);
  await writeFile(join(folder, "driver.c"), driver);
  const words = ["-shared", "-fPIC", "-o", join(folder, "libcuda.so.1"), join(folder, "driver.c")];
  compiled = spawnSync("cc", words).status === 0;
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "frames", type: "uint8", shape: ["N", 3, 64, 96] }];
  graph.outputs = [{ name: "pixels", type: "float32", shape: ["N", 3, 64, 96] }];
  graph.addNode({
    op: "Cast",
    inputs: ["frames"],
    outputs: ["pixels"],
    attributes: { to: { kind: "int", value: 1 } },
  });
  await saveModel(graph, join(folder, "model.onnx"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

async function build() {
  vi.stubEnv("PYTHONPATH", folder);
  vi.stubEnv("LD_LIBRARY_PATH", folder);
  // A trtexec of this machine would be taken first.
  const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" });
  vi.stubEnv("PATH", folder);
  const builder = await findEngineBuilder({ python: python.stdout.trim() });
  const built = await buildEngine({
    onnxPath: join(folder, "model.onnx"),
    outPath: join(folder, "model.engine.onnx"),
    profile: { min: 1, opt: 8, max: 32 },
    precision: "int8",
    optimizationLevel: 0,
    builder,
  });
  return { builder, built, engine: await readFile(built.enginePath, "utf8") };
}

const pythonIsHere = spawnSync("python3", ["--version"]).status === 0;
const hasTrtexec = existsSync("/usr/src/tensorrt/bin/trtexec");

test.skipIf(!pythonIsHere || hasTrtexec)(
  "builds what trtexec's arguments ask for, and says what did it",
  async (context) => {
    if (!compiled) context.skip();
    const { builder, built, engine } = await build();
    expect(builder.name).toMatch(/^TensorRT 10\.9\.0\.34's Python bindings/);
    expect(built.key).toMatchObject({
      tensorrt: "10.9.0",
      gpu: { name: "NVIDIA L4", computeCapability: "8.9" },
    });
    expect(engine).toBe("(['INT8', 'FP16'], 0, ('frames', (1, 3, 64, 96), (8, 3, 64, 96), (32, 3, 64, 96)))");
  },
);

test.skipIf(!pythonIsHere || hasTrtexec).each([
  ["of this GPU, abc", "of this GPU, abc"],
  ["of another GPU", "of this GPU, "],
  ["broken", "of this GPU, "],
])("a timing cache '%s' is used or made anew", async (before, after) => {
  if (!compiled) return;
  const cache = join(folder, "timing.cache");
  await writeFile(cache, before);
  await build();
  expect(await readFile(cache, "utf8")).toBe(after);
});
