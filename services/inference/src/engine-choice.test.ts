import type { ModelManifest } from "@sightline/yolo-nas";
import { expect, test } from "vitest";
import { type EngineCandidate, engineCandidates, openFirst } from "./engine-choice.ts";

const sha256 = "0123456789abcdef".repeat(4);
const model = (...keys: (keyof ModelManifest["files"])[]) => ({
  folder: "/models/m",
  manifest: {
    name: "m",
    files: Object.fromEntries(keys.map((key) => [key, { file: `${key}.onnx`, sha256 }])),
  } as ModelManifest,
});
const names = (candidates: readonly EngineCandidate[]) =>
  candidates.map(({ provider, precision, path }) => `${provider} ${precision} ${path}`);

test("auto prefers TensorRT, then CUDA, then the CPU, each with the file that suits it", () => {
  const { candidates, refusals } = engineCandidates(model("fp32", "int8Cpu", "trtEngine"), "auto", "int8");
  expect(names(candidates)).toEqual([
    "tensorrt int8 /models/m/trtEngine.onnx",
    "cuda fp32 /models/m/fp32.onnx",
    "cpu int8 /models/m/int8Cpu.onnx",
  ]);
  expect(refusals).toEqual([]);
  expect(candidates[0]!.digest).toBe("0123456789ab");
});

test("what the model has no file for is ruled out, with the reason", () => {
  const { candidates, refusals } = engineCandidates(model("int8Cpu"), "auto", "fp32");
  expect(candidates).toEqual([]);
  expect(refusals.map(({ provider }) => provider)).toEqual(["tensorrt", "cuda", "cpu"]);
  expect(refusals[2]!.reason).toBe("the model 'm' has no fp32 file");
});

test("without an engine the reason names the command that builds it", () => {
  const { refusals } = engineCandidates(model("int8Cpu", "int8Trt"), "tensorrt", "int8");
  expect(refusals[0]!.reason).toContain("sightline model engine /models/m/int8Trt.onnx");
  const inFloat = engineCandidates(model("fp32", "trtEngine"), "tensorrt", "fp32");
  expect(inFloat.refusals[0]!.reason).toContain("INT8 only");
});

test("an explicit provider is the only candidate", () => {
  const { candidates } = engineCandidates(model("fp32", "int8Cpu"), "cpu", "fp32");
  expect(names(candidates)).toEqual(["cpu fp32 /models/m/fp32.onnx"]);
});

test("the first that opens is taken, and the log can say why the others were not", async () => {
  const choice = engineCandidates(model("fp32", "int8Cpu"), "auto", "int8");
  const { engine, candidate, refusals } = await openFirst(choice, async ({ provider }) => {
    if (provider === "cuda") throw new Error("no GPU");
    return `opened ${provider}`;
  });
  expect(engine).toBe("opened cpu");
  expect(candidate.precision).toBe("int8");
  expect(refusals).toEqual([
    { provider: "tensorrt", reason: "the model 'm' has no trtEngine file" },
    { provider: "cuda", reason: "no GPU" },
  ]);
});

test("when none works the error tells every reason", async () => {
  const attempt = openFirst(engineCandidates(model("trtEngine"), "tensorrt", "int8"), async () => {
    throw new Error("no such library");
  });
  await expect(attempt).rejects.toMatchObject({ code: "no_engine" });
  await expect(attempt).rejects.toThrow(/tensorrt: no such library/);
});
