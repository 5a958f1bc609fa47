/** Constant tensors of an ONNX graph as typed arrays. */

import { ModelFileError } from "../errors.ts";
import { TensorProto_DataType } from "./gen/onnx.ts";

/** Element types that this package reads and writes, by the names ONNX's documentation uses. */
export type ElementType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64"
  | "bool";

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

/** A constant: row-major `data` of `product(dims)` elements. float16 and bfloat16 keep their raw 16 bits. */
export interface Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** A float32 constant. The usual kind, so that callers need no cast. */
export interface FloatTensor extends Tensor {
  readonly type: "float32";
  readonly data: Float32Array;
}

const CODES: Record<ElementType, number> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  uint8: TensorProto_DataType.UINT8,
  int8: TensorProto_DataType.INT8,
  uint16: TensorProto_DataType.UINT16,
  int16: TensorProto_DataType.INT16,
  uint32: TensorProto_DataType.UINT32,
  int32: TensorProto_DataType.INT32,
  uint64: TensorProto_DataType.UINT64,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

const NAMES = new Map<number, ElementType>(
  (Object.keys(CODES) as ElementType[]).map((name) => [CODES[name], name]),
);

/** ONNX's number of an element type (TensorProto.DataType), as Cast's `to` attribute wants it. */
export function elementTypeCode(type: ElementType): number {
  return CODES[type];
}

/** The name of an ONNX element type number, or undefined for one this package does not read. */
export function elementTypeName(code: number | undefined): ElementType | undefined {
  return code === undefined ? undefined : NAMES.get(code);
}

/** Product of dimensions; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * A float32 constant; `values` is taken over, not copied, when it already is a Float32Array.
 *
 * @example
 * ```ts
 * assert.deepEqual(float32([2, 1], [1, 2]).data, Float32Array.of(1, 2));
 * ```
 */
export function float32(dims: readonly number[], values: ArrayLike<number>): FloatTensor {
  const data = values instanceof Float32Array ? values : Float32Array.from(values);
  return checkedTensor({ type: "float32", dims, data }) as FloatTensor;
}

/**
 * An int64 constant, ONNX's type for shapes, axes and indices.
 *
 * @example
 * ```ts
 * assert.deepEqual(int64([2], [1, -1]).data, BigInt64Array.of(1n, -1n));
 * ```
 */
export function int64(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return checkedTensor({ type: "int64", dims, data: BigInt64Array.from(Array.from(values, BigInt)) });
}

export function uint8(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return checkedTensor({ type: "uint8", dims, data: Uint8Array.from(values) });
}

/** The numbers of a small constant (shapes, axes, scales), whatever its element type. */
export function toNumbers(tensor: Tensor): number[] {
  if (tensor.type === "float16") return Array.from(tensor.data as Uint16Array, float16ToNumber);
  if (tensor.type === "bfloat16") return Array.from(tensor.data as Uint16Array, bfloat16ToNumber);
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The constant as float32 data: its own array when it is float32, else a converted copy. */
export function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.type === "float32") return tensor.data as Float32Array;
  const source = tensor.data as ArrayLike<number | bigint>;
  const result = new Float32Array(source.length);
  const convert =
    tensor.type === "float16" ? float16ToNumber : tensor.type === "bfloat16" ? bfloat16ToNumber : Number;
  for (let i = 0; i < result.length; i++) result[i] = convert(source[i] as number);
  return result;
}

/** IEEE half precision bits to a number. */
function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bfloatBits = new Uint32Array(1);
const bfloatValue = new Float32Array(bfloatBits.buffer);

/** bfloat16 bits (the upper half of a float32) to a number. */
function bfloat16ToNumber(bits: number): number {
  bfloatBits[0] = bits << 16;
  return bfloatValue[0]!;
}

/** The tensor, after a check that its data has as many elements as its shape says. @throws ModelFileError when the numbers differ */
export function checkedTensor(tensor: Tensor, name = ""): Tensor {
  const expected = elementCount(tensor.dims);
  if (tensor.data.length !== expected) {
    throw new ModelFileError(
      `Tensor "${name}" of shape [${tensor.dims}] needs ${expected} elements but holds ${tensor.data.length}.`,
    );
  }
  return tensor;
}
