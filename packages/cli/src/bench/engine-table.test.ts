import { expect, test } from "vitest";
import { type EngineTimes, engineRows, engineTable } from "./engine-table.ts";

const system = { arch: "yolo_nas_s", precision: "int8" as const, input: { width: 640, height: 384 } };

function timed(engine: EngineTimes["engine"], batch: number, ms: readonly number[]): EngineTimes {
  return {
    system,
    engine,
    batch,
    floats: "f32",
    outcome: { times: { ms, cpuMs: ms.map((each) => 2 * each) } },
  };
}

const cases: EngineTimes[] = [
  timed("onnxruntime", 1, [20, 30, 40]),
  timed("openvino", 1, [16, 20, 90]),
  timed("onnxruntime", 4, [60, 80, 90]),
  timed("openvino", 4, [80, 100, 120]),
];

test("durations become milliseconds of an image, and the engine's speed over ONNX Runtime's at the same batch size", () => {
  const [, openVino1, , openVino4] = engineRows(cases, 2);
  expect(openVino1).toEqual({
    ...{ arch: "yolo_nas_s", precision: "int8", input: "640x384", engine: "openvino", floats: "f32" },
    ...{ batch: 1, threads: 2, runs: 3 },
    msPerImage: { median: 20, fastest: 16, p95: 90, cpu: 40 },
    speedOverOnnxRuntime: { median: 1.5, fastest: 1.25, cpu: 1.5 },
  });
  expect(openVino4).toMatchObject({
    msPerImage: { median: 25, fastest: 20 },
    speedOverOnnxRuntime: { median: 0.8, fastest: 0.75 },
  });
});

test("the table has a line for each engine, with all batch sizes", () => {
  const lines = engineTable(engineRows(cases, 2), "2026.4.1").split("\n");
  expect(lines[0]).toMatch(/^system +input +engine +floats +batch 1: ms\/image .*batch 4: ms\/image /);
  expect(lines[1]).toMatch(
    /^yolo_nas_s int8 +640x384 +onnxruntime +f32 +30\.0 +20\.0 +60\.0 +1\.00× +20\.0 +15\.0 +40\.0 +1\.00×$/,
  );
  expect(lines[2]).toMatch(
    /^yolo_nas_s int8 +640x384 +openvino +f32 +20\.0 +16\.0 +40\.0 +1\.50× +25\.0 +20\.0 +50\.0 +0\.80×$/,
  );
  expect(lines.join("\n")).toContain("2 threads each");
  expect(lines.at(-1)).toContain("OpenVINO 2026.4.1: fixed batch, latency hint, one stream");
});

test("a graph that an engine cannot load is said, and the others stay compared", () => {
  const refused: EngineTimes = {
    ...timed("openvino", 1, []),
    outcome: { error: "No conversion rule found for operations: Mystery-17" },
  };
  const rows = engineRows([cases[0]!, refused], 2);
  expect(rows[0]!.speedOverOnnxRuntime?.median).toBe(1);
  expect(rows[1]).toMatchObject({ msPerImage: null, speedOverOnnxRuntime: null, runs: 0 });
  expect(engineTable(rows, "2026.4.1")).toContain(
    "yolo_nas_s int8 640x384 openvino: No conversion rule found for operations: Mystery-17",
  );
});

test("without ONNX Runtime in the run there is nothing to compare with", () => {
  const rows = engineRows([cases[1]!], 1);
  expect(rows[0]!.speedOverOnnxRuntime).toBeNull();
  expect(engineTable(rows, undefined)).not.toContain("INFERENCE_NUM_THREADS");
});
