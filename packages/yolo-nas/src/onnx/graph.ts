/** An ONNX model as a mutable graph: the one form in which this package builds, inspects and rewrites models. */
import { InvalidArgumentError } from "../errors.ts";
import type { NodeAttribute } from "./attribute.ts";
import {
  type Dimension,
  dependencies,
  type GraphNode,
  inOrder,
  type NewNode,
  type ValueInfo,
} from "./graph-node.ts";
import type { Tensor } from "./tensor.ts";

/**
 * @example
 * ```ts
 * const graph = new OnnxGraph();
 * graph.inputs = [{ name: "x", type: "float32", shape: [2] }];
 * graph.outputs = [{ name: "y", type: "float32", shape: [2] }];
 * graph.addInitializer("two", float32([], [2]));
 * graph.addNode({ op: "Mul", inputs: ["x", "two"], outputs: ["y"] });
 * assert.equal(graph.producerOf("y")?.op, "Mul");
 * ```
 */
export class OnnxGraph {
  name = "graph";
  irVersion = 8;
  producer = "sightline";
  /** Operator set versions by domain; "" is ONNX's own. */
  readonly opsets = new Map<string, number>([["", 17]]);
  /** The model's `metadata_props`. */
  readonly metadata = new Map<string, string>();
  nodes: GraphNode[] = [];
  readonly initializers = new Map<string, Tensor>();
  inputs: ValueInfo[] = [];
  outputs: ValueInfo[] = [];
  /** Recorded types of activations; may be incomplete. */
  readonly valueInfo = new Map<string, ValueInfo>();
  private counter = 0;

  /** Append a node and return it. Its first output is `node.outputs[0]`. */
  addNode(spec: NewNode): GraphNode {
    const name = spec.name ?? this.uniqueName(spec.op);
    const node: GraphNode = {
      op: spec.op,
      domain: spec.domain ?? "",
      name,
      inputs: [...spec.inputs],
      outputs: [...(spec.outputs ?? [name])],
      attributes: new Map(Object.entries(spec.attributes ?? {})),
    };
    this.nodes.push(node);
    return node;
  }

  /** Append a node and return the name of its only (or first) output. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, NodeAttribute>> = {},
    name?: string,
  ): string {
    return this.addNode({ op, inputs, attributes, ...(name === undefined ? {} : { name }) }).outputs[0]!;
  }

  /** Add a constant and return its name. @throws InvalidArgumentError when the name is taken */
  addInitializer(name: string, tensor: Tensor): string {
    if (this.initializers.has(name)) {
      throw new InvalidArgumentError(`The graph already has a constant named "${name}".`);
    }
    this.initializers.set(name, tensor);
    return name;
  }

  /** A name that no value or node of the graph has: `prefix`, or `prefix_N`. */
  uniqueName(prefix: string): string {
    const taken = this.names();
    if (!taken.has(prefix)) return prefix;
    let name: string;
    do name = `${prefix}_${++this.counter}`;
    while (taken.has(name));
    return name;
  }

  /** The node that computes a value; undefined for graph inputs and constants. */
  producerOf(value: string): GraphNode | undefined {
    return this.nodes.find((node) => node.outputs.includes(value));
  }

  /** The nodes that read a value, in graph order. */
  consumersOf(value: string): GraphNode[] {
    return this.nodes.filter((node) => node.inputs.includes(value));
  }

  isOutput(value: string): boolean {
    return this.outputs.some((output) => output.name === value);
  }

  /** A value's constant, looked up through Constant and Identity nodes; undefined when it is computed. */
  constantOf(value: string): Tensor | undefined {
    const direct = this.initializers.get(value);
    if (direct) return direct;
    const node = this.producerOf(value);
    if (node?.op === "Identity") return this.constantOf(node.inputs[0]!);
    if (node?.op !== "Constant") return undefined;
    const attribute = node.attributes.get("value");
    return attribute?.kind === "tensor" ? attribute.value : undefined;
  }

  /** The recorded shape of an input, output, constant or activation; undefined when none is recorded. */
  shapeOf(value: string): readonly Dimension[] | undefined {
    return this.infoOf(value)?.shape ?? this.initializers.get(value)?.dims;
  }

  /** The recorded type and shape of an input, output or activation. */
  infoOf(value: string): ValueInfo | undefined {
    const byName = (info: ValueInfo) => info.name === value;
    return this.inputs.find(byName) ?? this.outputs.find(byName) ?? this.valueInfo.get(value);
  }

  removeNode(node: GraphNode): void {
    this.nodes = this.nodes.filter((other) => other !== node);
  }

  /** Make every reader of `from` (graph outputs excepted) read `to` instead. */
  replaceUses(from: string, to: string): void {
    for (const node of this.nodes) node.inputs = node.inputs.map((name) => (name === from ? to : name));
  }

  /** Rename a value everywhere: producer, readers, constants, inputs, outputs. */
  rename(from: string, to: string): void {
    if (from === to) return;
    if (this.names().has(to)) throw new InvalidArgumentError(`The graph already has a value named "${to}".`);
    const swap = (name: string) => (name === from ? to : name);
    const swapInfo = (info: ValueInfo) => (info.name === from ? { ...info, name: to } : info);
    for (const node of this.nodes) {
      node.inputs = node.inputs.map(swap);
      node.outputs = node.outputs.map(swap);
    }
    this.inputs = this.inputs.map(swapInfo);
    this.outputs = this.outputs.map(swapInfo);
    moveKey(this.initializers, from, to);
    const info = this.valueInfo.get(from);
    if (info) {
      this.valueInfo.delete(from);
      this.valueInfo.set(to, { ...info, name: to });
    }
  }

  /** Drop nodes, constants and recorded types that no graph output depends on. */
  removeDeadNodes(): void {
    const { nodes, values } = dependencies(
      this.nodes,
      this.outputs.map((output) => output.name),
    );
    this.nodes = this.nodes.filter((node) => nodes.has(node));
    for (const name of this.initializers.keys()) if (!values.has(name)) this.initializers.delete(name);
    for (const name of this.valueInfo.keys()) if (!values.has(name)) this.valueInfo.delete(name);
  }

  /** Order nodes so that each follows those it reads from. @throws ModelFileError when the graph has a cycle */
  sortNodes(): void {
    this.nodes = inOrder(this.nodes);
  }

  /** An independent copy of the graph; constants are shared, since they are never changed in place. */
  clone(): OnnxGraph {
    const copy = new OnnxGraph();
    copy.name = this.name;
    copy.irVersion = this.irVersion;
    copy.producer = this.producer;
    copy.nodes = this.nodes.map((node) => ({
      ...node,
      inputs: [...node.inputs],
      outputs: [...node.outputs],
      attributes: new Map(node.attributes),
    }));
    copy.inputs = [...this.inputs];
    copy.outputs = [...this.outputs];
    copy.opsets.clear();
    for (const [key, value] of this.opsets) copy.opsets.set(key, value);
    for (const [key, value] of this.metadata) copy.metadata.set(key, value);
    for (const [key, value] of this.initializers) copy.initializers.set(key, value);
    for (const [key, value] of this.valueInfo) copy.valueInfo.set(key, value);
    return copy;
  }

  private names(): Set<string> {
    const names = new Set<string>(this.initializers.keys());
    for (const info of [...this.inputs, ...this.outputs]) names.add(info.name);
    for (const node of this.nodes) {
      names.add(node.name);
      for (const value of [...node.inputs, ...node.outputs]) names.add(value);
    }
    return names;
  }
}

function moveKey<V>(map: Map<string, V>, from: string, to: string): void {
  const value = map.get(from);
  if (value === undefined) return;
  map.delete(from);
  map.set(to, value);
}
