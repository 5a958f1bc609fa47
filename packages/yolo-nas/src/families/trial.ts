/** Runs an unchanged export once: its outputs say more than what the file records. */
import type { Size } from "../detection/letterbox.ts";
import { InvalidArgumentError, UnknownModelError } from "../errors.ts";
import { encodeModel, int64, type OnnxGraph, type ValueInfo } from "../onnx/index.ts";
import { InferenceSession, Tensor } from "../runtime/onnx-runtime.ts";
import type { Trial } from "./family.ts";

/**
 * Fixes the picture's size in a graph, without changing its batch, and runs it once on noise.
 * @param size for an export whose height and width are free
 * @throws UnknownModelError when there is no image input, or ONNX Runtime cannot run the file
 * @throws InvalidArgumentError when the size is free and none is given, or fixed and another is given
 */
export async function tryOut(graph: OnnxGraph, size: Size | undefined): Promise<Trial> {
  const image = graph.inputs.find(
    ({ shape, type }) => shape?.length === 4 && shape[1] === 3 && type === "float32",
  );
  const others = graph.inputs.filter((input) => input !== image);
  const sizeInput = others.find(({ type, shape }) => type === "int64" && shape?.length === 2);
  if (!image || others.some((input) => input !== sizeInput)) {
    throw new UnknownModelError(
      `A detector has one picture input [B, 3, H, W] of float32 or float16, and at most one more for its size; seen: ${tensorList(graph.inputs)}.`,
    );
  }
  const fixed = sizeOf(image, size);
  graph.inputs = graph.inputs.map((input) =>
    input === image ? { ...input, shape: [input.shape![0]!, 3, fixed.height, fixed.width] } : input,
  );
  if (sizeInput) {
    graph.inputs = graph.inputs.filter(({ name }) => name !== sizeInput.name);
    graph.addInitializer(sizeInput.name, int64([1, 2], [fixed.width, fixed.height]));
  }
  const noise = noisePicture(fixed);
  const outputs = await runOnce(graph, {
    [image.name]: new Tensor("float32", noise, [1, 3, fixed.height, fixed.width]),
  });
  return {
    graph,
    image: image.name,
    size: fixed,
    sizeInput: sizeInput?.name,
    outputs: graph.outputs.map(({ name }) => ({ name, ...outputs.get(name)! })),
  };
}

/** Names, types and shapes, for errors. */
export function tensorList(infos: readonly ValueInfo[]): string {
  const dims = ({ shape }: ValueInfo) => shape?.map((dim) => dim ?? "?").join(", ") ?? "?";
  return infos.map((info) => `${info.name} ${info.type ?? "?"} [${dims(info)}]`).join(", ") || "none";
}

function sizeOf({ shape }: ValueInfo, given: Size | undefined): Size {
  const [, , height, width] = shape!;
  if (typeof height === "number" && typeof width === "number") {
    if (given && (given.width !== width || given.height !== height))
      throw new InvalidArgumentError(`The export takes ${width}x${height} only; leave --input out.`);
    return { width, height };
  }
  if (!given)
    throw new InvalidArgumentError("The export takes pictures of any size; choose one with --input WxH.");
  return given;
}

/** Random-looking values 0…1, the same each time. */
function noisePicture({ width, height }: Size): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 3 * width * height }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
}

async function runOnce(
  graph: OnnxGraph,
  inputs: Record<string, Tensor>,
): Promise<Map<string, { dims: readonly number[]; values: ArrayLike<number> }>> {
  let session: InferenceSession | undefined;
  try {
    session = await InferenceSession.create(encodeModel(graph), {
      logSeverityLevel: 3,
      graphOptimizationLevel: "basic",
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
    const outputs = await session.run(inputs);
    const entries = Object.entries(outputs).map(([name, { dims, data }]) => {
      const values = Array.from(data as ArrayLike<number | bigint>, Number);
      return [name, { dims, values }] as const;
    });
    return new Map(entries);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new UnknownModelError(`ONNX Runtime cannot run this file as it is: ${why}`, { cause });
  } finally {
    await session?.release();
  }
}
