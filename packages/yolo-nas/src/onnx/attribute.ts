/** Attributes of ONNX nodes as plain tagged values. */
import { ModelFileError } from "../errors.ts";
import {
  AttributeProto as AttributeCodec,
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
} from "./gen/onnx.ts";
import type { Tensor } from "./tensor.ts";
import { tensorFromProto, tensorToProto } from "./tensor-proto.ts";

/**
 * One attribute. `other` keeps what this package never touches (subgraphs, sparse tensors, strings) as read, so that
 * a file survives a round trip.
 */
export type NodeAttribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "other"; readonly value: AttributeProto };

export const int = (value: number): NodeAttribute => ({ kind: "int", value });
const float = (value: number): NodeAttribute => ({ kind: "float", value });
export const string = (value: string): NodeAttribute => ({ kind: "string", value });
export const ints = (value: readonly number[]): NodeAttribute => ({ kind: "ints", value });
const floats = (value: readonly number[]): NodeAttribute => ({ kind: "floats", value });
export const tensor = (value: Tensor): NodeAttribute => ({ kind: "tensor", value });

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

// Exporters write INT64_MAX for "to the end"; as a double it rounds up to 2^63, outside int64.
function toInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact > INT64_MAX ? INT64_MAX : exact < INT64_MIN ? INT64_MIN : exact;
}

/**
 * @throws ModelFileError for a tensor that cannot be read, and for external data, also in a subgraph, since ONNX Runtime would read it
 */
export function attributeFromProto(proto: AttributeProto): NodeAttribute {
  const Type = AttributeProto_AttributeType;
  switch (proto.type) {
    case Type.INT:
      return int(Number(proto.i ?? 0n));
    case Type.FLOAT:
      return float(proto.f ?? 0);
    case Type.STRING:
      return string((proto.s ?? Buffer.alloc(0)).toString("utf8"));
    case Type.INTS:
      return ints(proto.ints.map(Number));
    case Type.FLOATS:
      return floats(proto.floats);
    case Type.TENSOR:
      return proto.t ? tensor(tensorFromProto(proto.t)) : { kind: "other", value: proto };
    default:
      for (const { name, dataLocation } of tensorsOf(proto))
        if (dataLocation === TensorProto_DataLocation.EXTERNAL)
          throw new ModelFileError(
            `Tensor "${name}" of a subgraph lies in an external file; only the graph's own weights may.`,
          );
      return { kind: "other", value: proto };
  }
}

export function attributeToProto(name: string, attribute: NodeAttribute): AttributeProto {
  const Type = AttributeProto_AttributeType;
  switch (attribute.kind) {
    case "int":
      return AttributeCodec.fromPartial({ name, type: Type.INT, i: toInt64(attribute.value) });
    case "float":
      return AttributeCodec.fromPartial({ name, type: Type.FLOAT, f: attribute.value });
    case "string":
      return AttributeCodec.fromPartial({ name, type: Type.STRING, s: Buffer.from(attribute.value, "utf8") });
    case "ints":
      return AttributeCodec.fromPartial({ name, type: Type.INTS, ints: attribute.value.map(toInt64) });
    case "floats":
      return AttributeCodec.fromPartial({ name, type: Type.FLOATS, floats: [...attribute.value] });
    case "tensor":
      return AttributeCodec.fromPartial({ name, type: Type.TENSOR, t: tensorToProto("", attribute.value) });
    case "other":
      return attribute.value;
  }
}

/** All tensors in an attribute, those in subgraphs included. */
function* tensorsOf({
  t,
  tensors,
  sparseTensor,
  sparseTensors,
  g,
  graphs,
}: AttributeProto): Generator<TensorProto> {
  if (t) yield t;
  yield* tensors;
  yield* sparseParts(sparseTensor ? [sparseTensor, ...sparseTensors] : sparseTensors);
  for (const graph of g ? [g, ...graphs] : graphs) yield* graphTensors(graph);
}

function* graphTensors({ initializer, sparseInitializer, node }: GraphProto): Generator<TensorProto> {
  yield* initializer;
  yield* sparseParts(sparseInitializer);
  for (const { attribute } of node) for (const each of attribute) yield* tensorsOf(each);
}

function* sparseParts(sparse: readonly SparseTensorProto[]): Generator<TensorProto> {
  for (const { values, indices } of sparse) {
    if (values) yield values;
    if (indices) yield indices;
  }
}
