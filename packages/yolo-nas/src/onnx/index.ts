export type { Attribute } from "./attribute.ts";
export * as attr from "./attribute.ts";
export { type Dimension, type GraphNode, type NewNode, OnnxGraph, type ValueInfo } from "./graph.ts";
export { decodeModel, encodeModel, loadModel, saveModel } from "./model-file.ts";
export * from "./tensor.ts";
