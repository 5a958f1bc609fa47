export type { NodeAttribute } from "./attribute.ts";
export * as attr from "./attribute.ts";
export { OnnxGraph } from "./graph.ts";
export type { Dimension, GraphNode, NewNode, ValueInfo } from "./graph-node.ts";
export { decodeModel, encodeModel, loadModel, saveModel } from "./model-file.ts";
export * from "./tensor.ts";
