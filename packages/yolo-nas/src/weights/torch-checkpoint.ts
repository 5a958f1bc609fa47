/** Reads the weights of a checkpoint written by torch.save (the zip form of PyTorch 1.6 and later), without Python. */
import { WeightsError } from "../errors.ts";
import { type ElementType, elementCount, type FloatTensor, type Tensor, toFloat32 } from "../onnx/tensor.ts";
import { readWeightsFile, type StateDict, stripWrappers } from "./safetensors.ts";
import { PersistentReference, PickledName, readPickle } from "./torch-pickle.ts";

const STORAGES: Readonly<Record<string, { type: ElementType; bytes: number }>> = {
  "torch.FloatStorage": { type: "float32", bytes: 4 },
  "torch.DoubleStorage": { type: "float64", bytes: 8 },
  "torch.HalfStorage": { type: "float16", bytes: 2 },
  "torch.BFloat16Storage": { type: "bfloat16", bytes: 2 },
};

/** Where trainers store the weights in a checkpoint; averaged weights first. */
const PLACES = ["ema_net", "net", "state_dict", "model"];

/**
 * Read the floating-point tensors of a checkpoint: those under `ema_net`, `net`, `state_dict` or `model`, or at its top level. No code in
 * it is run, unlike when PyTorch reads it.
 * @throws WeightsError when the file is missing, cut short, or not such a checkpoint
 *
 * @example
 * ```ts
 * const state = await readTorchCheckpoint("packages/yolo-nas/fixtures/checkpoint.pth");
 * assert.deepEqual(state.get("a")?.dims, [2, 3, 4]);
 * ```
 */
export async function readTorchCheckpoint(path: string): Promise<StateDict> {
  return parseTorchCheckpoint(await readWeightsFile(path), path);
}

/** {@link readTorchCheckpoint} on bytes; `label` names them in errors. */
export function parseTorchCheckpoint(bytes: Uint8Array, label = "The weights"): StateDict {
  const files = storedFiles(bytes, label);
  const pickle = [...files.keys()].find((name) => name.endsWith("/data.pkl"));
  if (!pickle)
    throw new WeightsError(`${label}: a zip file, but no PyTorch checkpoint (it has no data.pkl).`);
  const folder = pickle.slice(0, -"data.pkl".length);
  const whole = readPickle(files.get(pickle)!);
  const tensors = new Map<string, FloatTensor>();
  for (const [name, value] of weightsIn(whole, label)) {
    const tensor =
      typeof name === "string"
        ? tensorOf(value, (key) => files.get(`${folder}data/${key}`), label)
        : undefined;
    if (tensor) tensors.set(stripWrappers(name as string), tensor);
  }
  if (tensors.size === 0) throw new WeightsError(`${label}: the checkpoint holds no weights by name.`);
  return { names: [...tensors.keys()], get: (name) => tensors.get(name) };
}

function weightsIn(whole: unknown, label: string): Map<unknown, unknown> {
  if (!(whole instanceof Map)) throw new WeightsError(`${label}: the checkpoint holds no weights by name.`);
  for (const place of PLACES) {
    const inner: unknown = whole.get(place);
    if (inner instanceof Map) return inner;
  }
  return whole;
}

/** A float tensor from the arguments of torch._utils' rebuild function: storage, offset, sizes, steps; undefined for anything else. */
function tensorOf(
  value: unknown,
  read: (key: string) => Uint8Array | undefined,
  label: string,
): FloatTensor | undefined {
  if (!(value instanceof PickledName) || !value.arguments) return undefined;
  if (value.name === "torch._utils._rebuild_parameter") return tensorOf(value.arguments[0], read, label);
  if (value.name !== "torch._utils._rebuild_tensor_v2") return undefined;
  const [reference, offset, dims, steps] = value.arguments as [unknown, number, number[], number[]];
  const id = reference instanceof PersistentReference ? (reference.id as unknown[]) : [];
  const kind = id[1] instanceof PickledName ? STORAGES[id[1].name] : undefined;
  if (!kind) return undefined;
  const bytes = read(String(id[2]));
  const last = dims.reduce((sum, size, axis) => sum + (size - 1) * steps[axis]!, offset);
  const count = elementCount(dims);
  if (!bytes || (count > 0 && (last + 1) * kind.bytes > bytes.length))
    throw new WeightsError(`${label}: the data of a tensor is missing or cut short.`);
  const storage = decode(kind.type, bytes);
  const data = new Float32Array(count);
  const index = dims.map(() => 0);
  for (let i = 0, from = offset; i < count; i++) {
    data[i] = storage[from]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      from -= dims[axis]! * steps[axis]!;
      index[axis] = 0;
    }
  }
  return { type: "float32", dims, data };
}

function decode(type: ElementType, bytes: Uint8Array): Float32Array {
  const { buffer } = new Uint8Array(bytes);
  const data =
    type === "float32"
      ? new Float32Array(buffer)
      : type === "float64"
        ? new Float64Array(buffer)
        : new Uint16Array(buffer);
  return toFloat32({ type, dims: [data.length], data } as Tensor);
}

/** The uncompressed files of a zip; PyTorch stores all files so. */
function storedFiles(bytes: Uint8Array, label: string): Map<string, Uint8Array> {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = zip.lastIndexOf("PK\x05\x06");
  if (end < 0 || end + 22 > zip.length)
    throw new WeightsError(`${label}: no PyTorch checkpoint of version 1.6 or later, or it is cut short.`);
  const files = new Map<string, Uint8Array>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (at + 46 > zip.length || zip.toString("latin1", at, at + 4) !== "PK\x01\x02")
      throw new WeightsError(`${label}: its list of files cannot be read.`);
    const [method, size, start] = [
      zip.readUInt16LE(at + 10),
      zip.readUInt32LE(at + 20),
      zip.readUInt32LE(at + 42),
    ];
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const path = zip.toString("utf8", at + 46, at + 46 + name);
    const data = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28);
    if (method === 0 && data + size <= zip.length) files.set(path, zip.subarray(data, data + size));
    at += 46 + name + extra + comment;
  }
  return files;
}
