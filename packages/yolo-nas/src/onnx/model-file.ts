/** ONNX files to graphs and back. */
import { readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { ModelFileError } from "../errors.ts";
import { attributeFromProto, attributeToProto } from "./attribute.ts";
import {
  ModelProto,
  NodeProto as NodeCodec,
  type NodeProto,
  type TensorProto,
  ValueInfoProto as ValueInfoCodec,
  type ValueInfoProto,
} from "./gen/onnx.ts";
import { OnnxGraph } from "./graph.ts";
import type { Dimension, GraphNode, ValueInfo } from "./graph-node.ts";
import { elementTypeCode, elementTypeName } from "./tensor.ts";
import { tensorFromProto, tensorToProto } from "./tensor-proto.ts";

function unreadable(path: string, cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return `There is no model file ${path}.`;
  return code === "EISDIR"
    ? `${path} is a folder; name an ONNX file in it.`
    : `${path} cannot be read: ${message}.`;
}

/**
 * Read an ONNX file, external weights included.
 * @throws ModelFileError when the file is missing, is not ONNX, or names external data outside its folder
 *
 * @example
 * ```ts
 * const { inputs } = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * assert.equal(inputs[0]?.name, "frames");
 * ```
 */
export async function loadModel(path: string): Promise<OnnxGraph> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ModelFileError(unreadable(path, cause), { cause });
  }
  return decodeModel(bytes, dirname(path));
}

/**
 * Write a graph to a file; the file appears completely or not at all.
 *
 * @example
 * ```ts
 * const graph = await loadModel("models/clothing-colour/fp32.onnx");
 * await saveModel(graph, `${scratch}/copy.onnx`);
 * assert.equal((await loadModel(`${scratch}/copy.onnx`)).nodes.length, graph.nodes.length);
 * ```
 */
export async function saveModel(graph: OnnxGraph, path: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, encodeModel(graph));
  await rename(partial, path);
}

/**
 * Decode the bytes of an ONNX model.
 * @param folder where external weight files lie; without it a model with external weights is an error
 * @throws ModelFileError when the bytes are not an ONNX model
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * const graph = decodeModel(await readFile("models/clothing-colour/fp32.onnx"));
 * assert.equal(graph.inputs[0]?.name, "frame");
 * ```
 */
export function decodeModel(bytes: Uint8Array, folder?: string): OnnxGraph {
  let model: ModelProto;
  try {
    model = ModelProto.decode(bytes);
  } catch (cause) {
    throw new ModelFileError("The file is not an ONNX model: its protobuf structure cannot be read.", {
      cause,
    });
  }
  const proto = model.graph;
  if (!proto || (proto.node.length === 0 && proto.output.length === 0)) {
    throw new ModelFileError("The file is not an ONNX model: it holds no graph.");
  }
  const external = folder === undefined ? undefined : externalReader(folder);
  const graph = new OnnxGraph();
  graph.name = proto.name ?? "graph";
  graph.irVersion = Number(model.irVersion ?? 8n);
  graph.producer = model.producerName ?? "";
  graph.opsets.clear();
  for (const entry of model.opsetImport) graph.opsets.set(entry.domain ?? "", Number(entry.version ?? 0n));
  for (const entry of model.metadataProps) graph.metadata.set(entry.key ?? "", entry.value ?? "");
  for (const tensor of proto.initializer)
    graph.initializers.set(tensor.name ?? "", tensorFromProto(tensor, external));
  graph.nodes = proto.node.map(nodeFromProto);
  // Old exporters list every constant as an input too.
  graph.inputs = proto.input.map(valueInfoFromProto).filter((info) => !graph.initializers.has(info.name));
  graph.outputs = proto.output.map(valueInfoFromProto);
  for (const info of proto.valueInfo.map(valueInfoFromProto)) graph.valueInfo.set(info.name, info);
  return graph;
}

/**
 * Encode a graph as the bytes of an ONNX model, weights inside.
 *
 * @example
 * ```ts
 * const graph = await loadModel("models/clothing-colour/fp32.onnx");
 * graph.metadata.set("note", "changed");
 * assert.equal(decodeModel(encodeModel(graph)).metadata.get("note"), "changed");
 * ```
 */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const model = ModelProto.fromPartial({
    irVersion: BigInt(graph.irVersion),
    producerName: graph.producer,
    opsetImport: [...graph.opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
  });
  model.graph = {
    name: graph.name,
    node: graph.nodes.map(nodeToProto),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorToProto(name, tensor)),
    input: graph.inputs.map(valueInfoToProto),
    output: graph.outputs.map(valueInfoToProto),
    valueInfo: [...graph.valueInfo.values()].map(valueInfoToProto),
    sparseInitializer: [],
    quantizationAnnotation: [],
    metadataProps: [],
  };
  return ModelProto.encode(model).finish();
}

function nodeFromProto(proto: NodeProto): GraphNode {
  return {
    op: proto.opType ?? "",
    domain: proto.domain ?? "",
    name: proto.name || (proto.output[0] ?? ""),
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Map(proto.attribute.map((entry) => [entry.name ?? "", attributeFromProto(entry)])),
  };
}

function nodeToProto(node: GraphNode): NodeProto {
  return NodeCodec.fromPartial({
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: node.inputs,
    output: node.outputs,
    attribute: [...node.attributes].map(([name, attribute]) => attributeToProto(name, attribute)),
  });
}

function valueInfoFromProto(proto: ValueInfoProto): ValueInfo {
  const tensor = proto.type?.tensorType;
  const shape = tensor?.shape?.dim.map((dim): Dimension => {
    if (dim.dimValue !== undefined) return Number(dim.dimValue);
    return dim.dimParam || null;
  });
  return { name: proto.name ?? "", type: elementTypeName(tensor?.elemType), shape };
}

function valueInfoToProto(info: ValueInfo): ValueInfoProto {
  const dim = info.shape?.map((size) => {
    if (typeof size === "number") return { dimValue: BigInt(size) };
    return size === null ? {} : { dimParam: size };
  });
  return ValueInfoCodec.fromPartial({
    name: info.name,
    type: {
      tensorType: {
        ...(info.type === undefined ? {} : { elemType: elementTypeCode(info.type) }),
        ...(dim === undefined ? {} : { shape: { dim } }),
      },
    },
  });
}

function externalReader(folder: string): (tensor: TensorProto) => Uint8Array {
  const files = new Map<string, Uint8Array>();
  return (tensor) => {
    const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value ?? ""]));
    const location = entries.get("location") ?? "";
    const path = resolve(folder, location);
    const inside = relative(resolve(folder), path);
    if (location === "" || inside.startsWith("..") || isAbsolute(inside)) {
      throw new ModelFileError(
        `Tensor "${tensor.name}" names external data outside the model's folder: "${location}".`,
      );
    }
    let bytes = files.get(path);
    if (!bytes) {
      try {
        bytes = readFileSync(path);
      } catch (cause) {
        throw new ModelFileError(
          `The model's weights file ${path} cannot be read; keep it beside the model.`,
          { cause },
        );
      }
      files.set(path, bytes);
    }
    const offset = Number(entries.get("offset") ?? 0);
    const length = entries.get("length");
    return bytes.subarray(offset, length === undefined ? undefined : offset + Number(length));
  };
}
