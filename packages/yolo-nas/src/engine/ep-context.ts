/**
 * A TensorRT engine as a one-node ONNX file, the form in which ONNX Runtime's TensorRT provider loads an engine as it
 * is: attributes and path rules from onnxruntime/core/providers/tensorrt/onnx_ctx_model_helper.{h,cc}.
 */
import { isAbsolute } from "node:path";
import { EngineError } from "../errors.ts";
import { attr, type GraphNode, OnnxGraph } from "../onnx/index.ts";
import { type EngineKey, engineKeySchema } from "./engine-key.ts";

const KEY = "sightline.engine";

/** What a wrapper file says about the engine next to it. */
export interface WrappedEngine {
  readonly key: EngineKey;
  /** Relative to the wrapper's folder. */
  readonly engineFile: string;
}

/**
 * Wrap an engine: the source's inputs, outputs and metadata around one EPContext node.
 * @param source the graph that the engine was built from
 * @param engineFile path of the engine relative to the wrapper's folder; the provider refuses any other
 * @throws EngineError foreign_engine when the path leaves the folder
 */
export function wrapEngine(
  source: OnnxGraph,
  key: EngineKey,
  engineFile: string,
  onnxFile: string,
): OnnxGraph {
  checkEnginePath(engineFile);
  const graph = new OnnxGraph();
  graph.name = source.name;
  graph.inputs = [...source.inputs];
  graph.outputs = [...source.outputs];
  graph.opsets.set("", source.opsets.get("") ?? 17);
  graph.opsets.set("com.microsoft", 1);
  for (const [name, value] of source.metadata) graph.metadata.set(name, value);
  graph.metadata.set(KEY, JSON.stringify(key));
  graph.addNode({
    op: "EPContext",
    domain: "com.microsoft",
    name: "engine",
    inputs: source.inputs.map(({ name }) => name),
    outputs: source.outputs.map(({ name }) => name),
    attributes: {
      main_context: attr.int(1),
      embed_mode: attr.int(0),
      ep_cache_context: attr.string(engineFile),
      // The provider writes and compares the capability without its dot: 8.9 is "89".
      hardware_architecture: attr.string(key.gpu.computeCapability.replace(".", "")),
      onnx_model_filename: attr.string(onnxFile),
    },
  });
  return graph;
}

/** Whether a graph is an engine in an ONNX file, ours or another's. */
export function isEngineWrapper(graph: OnnxGraph): boolean {
  const node = graph.nodes.length === 1 ? graph.nodes[0]! : undefined;
  return node?.op === "EPContext" && node.domain === "com.microsoft";
}

/**
 * Read a wrapper back.
 * @throws EngineError not_an_engine when the graph is no EPContext file; foreign_engine when it was not written by
 * {@link wrapEngine}, or its engine lies outside its folder
 */
export function readWrapper(graph: OnnxGraph, path: string): WrappedEngine {
  if (!isEngineWrapper(graph)) {
    throw new EngineError(
      "not_an_engine",
      `${path} is an ordinary model, not a TensorRT engine wrapped as ONNX.`,
    );
  }
  const node = graph.nodes[0]!;
  const text = graph.metadata.get(KEY);
  const parsed = text === undefined ? undefined : engineKeySchema.safeParse(parseJson(text));
  if (!parsed?.success || intAttribute(node, "embed_mode") !== 0) {
    throw new EngineError(
      "foreign_engine",
      `${path} holds a TensorRT engine that was not built by "sightline model engine", so it cannot be told whether it ` +
        "fits this machine. Build it again from the .int8.trt.onnx file.",
    );
  }
  const engineFile = stringAttribute(node, "ep_cache_context");
  checkEnginePath(engineFile);
  return { key: parsed.data, engineFile };
}

function checkEnginePath(engineFile: string): void {
  if (engineFile === "" || isAbsolute(engineFile) || engineFile.includes("..")) {
    throw new EngineError(
      "foreign_engine",
      `The engine must lie in the wrapper's folder or below it, not at "${engineFile}": ONNX Runtime refuses other paths.`,
    );
  }
}

function stringAttribute(node: GraphNode, name: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "string" ? attribute.value : "";
}

function intAttribute(node: GraphNode, name: string): number | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "int" ? attribute.value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
