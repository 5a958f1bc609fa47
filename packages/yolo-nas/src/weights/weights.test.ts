import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { InvalidArgumentError, WeightsError } from "../errors.ts";
import { encodeModel } from "../onnx/index.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { parseSafetensors } from "./safetensors.ts";
import { SeededWeights } from "./seeded-weights.ts";
import { classCountOf, StateDictWeights } from "./state-dict-weights.ts";
import { parseTorchCheckpoint } from "./torch-checkpoint.ts";

/** A .safetensors file of raw little-endian tensors. */
function safetensors(
  tensors: Record<string, { dtype: string; shape: number[]; bytes: Uint8Array }>,
): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
      const start = end;
      end += bytes.length;
      return [name, { dtype, shape, data_offsets: [start, end] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

const half = (...bits: number[]) => new Uint8Array(Uint16Array.from(bits).buffer);

describe("parseTorchCheckpoint", () => {
  // Written by PyTorch 2.6: parts of one storage, several types, and what a trainer keeps beside the weights.
  const file = readFileSync(new URL("../../fixtures/checkpoint.pth", import.meta.url));

  test("reads the weights that torch.save wrote, and runs nothing of it", () => {
    const state = parseTorchCheckpoint(file);
    expect(state.names).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(state.get("a")).toMatchObject({
      dims: [2, 3, 4],
      data: Float32Array.from({ length: 24 }, (_, i) => i),
    });
    expect(state.get("b")).toMatchObject({ dims: [2, 3], data: Float32Array.of(13, 17, 21, 14, 18, 22) });
    expect(["c", "d", "e", "f"].map((name) => [...state.get(name)!.data])).toEqual([
      [1.5, -2],
      [0.25],
      [3],
      [1, -0.25],
    ]);
  });

  test("refuses what is none, and what is cut short", () => {
    for (const bytes of [Buffer.from("no zip"), file.subarray(0, 2000), file.subarray(1500)])
      expect(() => parseTorchCheckpoint(bytes)).toThrow(WeightsError);
    const damaged = Buffer.from(file);
    damaged.fill(0, damaged.indexOf("OrderedDict"), damaged.indexOf("OrderedDict") + 200);
    expect(() => parseTorchCheckpoint(damaged)).toThrow(WeightsError);
  });
});

describe("parseSafetensors", () => {
  test("reads F32, F16 and BF16, and leaves integers out", () => {
    const state = parseSafetensors(
      safetensors({
        a: { dtype: "F32", shape: [2], bytes: new Uint8Array(Float32Array.of(1.5, -2).buffer) },
        b: { dtype: "F16", shape: [4], bytes: half(0x3c00, 0xc000, 0x0001, 0x7bff) },
        c: { dtype: "BF16", shape: [2, 1], bytes: half(0x3f80, 0xbe80) },
        "bn.num_batches_tracked": { dtype: "I64", shape: [], bytes: new Uint8Array(8) },
      }),
    );
    expect(state.names).toEqual(["a", "b", "c"]);
    expect([...state.get("a")!.data]).toEqual([1.5, -2]);
    expect([...state.get("b")!.data]).toEqual([1, -2, 2 ** -24, 65504]);
    expect(state.get("c")).toMatchObject({ dims: [2, 1], data: Float32Array.of(1, -0.25) });
  });

  test("removes the prefixes of training wrappers", () => {
    const bytes = new Uint8Array(4);
    const state = parseSafetensors(
      safetensors({ "module.net.backbone.x": { dtype: "F32", shape: [1], bytes } }),
    );
    expect(state.names).toEqual(["backbone.x"]);
  });

  test("refuses what is not safetensors, and truncated files", () => {
    const whole = safetensors({ a: { dtype: "F32", shape: [2], bytes: new Uint8Array(8) } });
    expect(() => parseSafetensors(new Uint8Array(3))).toThrow(WeightsError);
    expect(() => parseSafetensors(whole.subarray(0, whole.length - 1))).toThrow(WeightsError);
    expect(() => parseSafetensors(Buffer.from("PK\u0003\u0004 a pickle, in truth a zip file"))).toThrow(
      WeightsError,
    );
  });
});

describe("building", () => {
  test("says which tensor is missing", () => {
    const empty = new StateDictWeights({ names: [], get: () => undefined });
    const build = () =>
      buildModel(architecture("yolo_nas_s"), empty, { width: 64, height: 64, classes: ["a"] });
    expect(build).toThrow(WeightsError);
    expect(build).toThrow(/backbone\.stem\.conv/);
    expect(() => classCountOf({ names: [], get: () => undefined })).toThrow(WeightsError);
  });

  test("refuses sizes that are not multiples of 32, unknown names and no classes", () => {
    const build = (width: number, classes: string[]) =>
      buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), { width, height: 64, classes });
    expect(() => build(100, ["a"])).toThrow(InvalidArgumentError);
    expect(() => build(64, [])).toThrow(InvalidArgumentError);
    expect(() => architecture("yolo_nas_z")).toThrow(InvalidArgumentError);
  });
});

describe.each(["yolo_nas_xs", "yolo_nas_s", "yolo_nas_m"])("random weights of %s", (name) => {
  test("are the same for the same seed, and predict boxes and scores of a trained network's size", async () => {
    const build = (seed: number) =>
      buildModel(architecture(name), new SeededWeights(seed), {
        width: 128,
        height: 128,
        classes: ["a", "b"],
      });
    const graph = build(3);
    const file = encodeModel(graph);
    expect(Buffer.compare(file, encodeModel(build(3)))).toBe(0);
    expect(Buffer.compare(file, encodeModel(build(4)))).not.toBe(0);
    const session = await DetectorSession.load(encodeModel(prepareModel(graph)), { threads: 1 });
    const pixels = Uint8Array.from({ length: session.frameBytes }, (_, i) => (i * 2654435761) >>> 24);
    const { boxes, scores, candidates } = await session.run(pixels, 1);
    const widths = Array.from({ length: candidates }, (_, i) => boxes[4 * i + 2]! - boxes[4 * i]!);
    const spread = Math.max(...scores) - Math.min(...scores);
    expect(Math.min(...widths)).toBeGreaterThan(8);
    expect(Math.max(...widths)).toBeLessThan(15 * 32 * 2);
    expect(spread).toBeGreaterThan(0.005);
    expect(Math.max(...scores)).toBeLessThan(0.999);
    await session.stop();
  });
});
