/** Tensors as ONNX files store them. */
import { ModelFileError } from "../errors.ts";
import { type TensorProto, TensorProto_DataLocation } from "./gen/onnx.ts";
import {
  checkedTensor,
  type ElementType,
  elementTypeCode,
  elementTypeName,
  type Tensor,
  type TensorData,
} from "./tensor.ts";

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/**
 * Read a TensorProto, from raw bytes or from the typed fields that older exporters write.
 * @throws ModelFileError for an element type outside {@link ElementType}, or data that does not fit its shape
 */
export function tensorFromProto(proto: TensorProto, external?: (proto: TensorProto) => Uint8Array): Tensor {
  const type = elementTypeName(proto.dataType);
  if (!type) {
    throw new ModelFileError(
      `Tensor "${proto.name}" has ONNX element type ${proto.dataType}, which is not supported.`,
    );
  }
  const dims = proto.dims.map(Number);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (!external) {
      throw new ModelFileError(
        `Tensor "${proto.name}" lies in an external file; load the model by its path.`,
      );
    }
    return checkedTensor({ type, dims, data: fromBytes(type, external(proto)) }, proto.name);
  }
  const data = proto.rawData?.length ? fromBytes(type, proto.rawData) : fromFields(type, proto);
  return checkedTensor({ type, dims, data }, proto.name);
}

/** Write a tensor with raw little-endian bytes, the form every runtime reads fastest. */
export function tensorToProto(name: string, tensor: Tensor): TensorProto {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return {
    name,
    dataType: elementTypeCode(tensor.type),
    dims: tensor.dims.map(BigInt),
    rawData: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    stringData: [],
    externalData: [],
    metadataProps: [],
  };
}

function fromBytes(type: ElementType, bytes: Uint8Array): TensorData {
  // A copy, because the bytes lie at any offset and a typed array wants its own alignment. (Buffer.slice copies nothing.)
  const copy = new Uint8Array(bytes);
  const ArrayType = ARRAYS[type];
  return new ArrayType(copy.buffer, 0, Math.floor(copy.byteLength / ArrayType.BYTES_PER_ELEMENT));
}

function fromFields(type: ElementType, proto: TensorProto): TensorData {
  if (type === "float32") return Float32Array.from(proto.floatData);
  if (type === "float64") return Float64Array.from(proto.doubleData);
  if (type === "int64") return BigInt64Array.from(proto.int64Data);
  if (type === "uint64") return BigUint64Array.from(proto.uint64Data);
  if (type === "uint32") return Uint32Array.from(proto.uint64Data, Number);
  return ARRAYS[type].from(proto.int32Data);
}
