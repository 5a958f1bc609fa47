/** Reads .safetensors files: https://github.com/huggingface/safetensors#format */
import { readFile } from "node:fs/promises";
import { WeightsError } from "../errors.ts";
import { type ElementType, elementCount, type FloatTensor, type Tensor, toFloat32 } from "../onnx/tensor.ts";

/** Named weights in float32. */
export interface StateDict {
  readonly names: readonly string[];
  get(name: string): FloatTensor | undefined;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const FLOAT_TYPES: Record<string, { type: ElementType; bytes: number }> = {
  F32: { type: "float32", bytes: 4 },
  F64: { type: "float64", bytes: 8 },
  F16: { type: "float16", bytes: 2 },
  BF16: { type: "bfloat16", bytes: 2 },
};

/** Prefixes that training wrappers put before super-gradients' own names. */
const WRAPPERS = ["net.", "module.", "ema_model.", "model."];

/**
 * Read the floating-point tensors of a .safetensors file (F32, F64, F16, BF16), wrappers' name prefixes removed.
 * Integer tensors (BatchNorm's batch counters) are left out.
 * @throws WeightsError when the file is missing, truncated, or not safetensors
 *
 * @example
 * ```ts
 * const weights = await readSafetensors("models/yolo-nas-pedestrians/yolo-nas-pedestrians.safetensors");
 * assert.equal(classCountOf(weights), 1);
 * ```
 */
export async function readSafetensors(path: string): Promise<StateDict> {
  return parseSafetensors(await readWeightsFile(path), path);
}

/** Reads a file of weights in any format. @throws WeightsError when it cannot be read */
export async function readWeightsFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new WeightsError(`Cannot read the weights file ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** {@link readSafetensors} on bytes; `label` names them in errors. */
export function parseSafetensors(bytes: Uint8Array, label = "The weights"): StateDict {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = bytes.byteLength >= 8 ? Number(view.getBigUint64(0, true)) : Number.POSITIVE_INFINITY;
  const dataStart = 8 + headerLength;
  if (dataStart > bytes.byteLength)
    throw new WeightsError(`${label}: not a safetensors file (truncated header).`);
  const entries = parseHeader(bytes.subarray(8, dataStart), label);
  const tensors = new Map<string, FloatTensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const kind = FLOAT_TYPES[entry.dtype];
    if (name === "__metadata__" || !kind) continue;
    const [start, end] = entry.data_offsets;
    const size = elementCount(entry.shape) * kind.bytes;
    if (end - start !== size || dataStart + end > bytes.byteLength) {
      throw new WeightsError(`${label}: tensor "${name}" does not fit its shape or the file is truncated.`);
    }
    tensors.set(
      stripWrappers(name),
      decode(kind.type, entry.shape, bytes.subarray(dataStart + start, dataStart + end)),
    );
  }
  return { names: [...tensors.keys()], get: (name) => tensors.get(name) };
}

function parseHeader(bytes: Uint8Array, label: string): Record<string, Entry> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, Entry>;
  } catch (cause) {
    throw new WeightsError(`${label}: not a safetensors file (its header is not JSON).`, { cause });
  }
}

function decode(type: ElementType, dims: number[], bytes: Uint8Array): FloatTensor {
  // A separate copy: a Buffer shares its memory with others, at any alignment.
  const { buffer } = new Uint8Array(bytes);
  const data =
    type === "float32"
      ? new Float32Array(buffer)
      : type === "float64"
        ? new Float64Array(buffer)
        : new Uint16Array(buffer);
  return { type: "float32", dims, data: toFloat32({ type, dims, data } as Tensor) };
}

/** A weight's name without the prefixes of training wrappers. */
export function stripWrappers(name: string): string {
  const wrapper = WRAPPERS.find((prefix) => name.startsWith(prefix));
  return wrapper ? stripWrappers(name.slice(wrapper.length)) : name;
}
