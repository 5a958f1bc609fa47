/** The parts of an ONNX graph. */

import { ModelFileError } from "../errors.ts";
import type { NodeAttribute } from "./attribute.ts";
import type { GraphProto } from "./gen/onnx.ts";
import type { ElementType } from "./tensor.ts";

/** A dimension: a fixed size, a named free one ("batch"), or null when nothing is known. */
export type Dimension = number | string | null;

/** A graph input or output, or the recorded type of an activation. `shape` is undefined when the rank is unknown. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType | undefined;
  readonly shape: readonly Dimension[] | undefined;
}

/** One operation. An empty input name is an omitted optional input. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  name: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, NodeAttribute>;
}

export interface NewNode {
  readonly op: string;
  readonly inputs: readonly string[];
  /** One output named after the node when omitted. */
  readonly outputs?: readonly string[];
  /** Made unique from the operator's name when omitted. */
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, NodeAttribute>>;
}

/** Dependencies between the nodes of an ONNX graph. */

/** The nodes and values that the given values depend on, themselves included. */
export function dependencies(
  all: readonly GraphNode[],
  wanted: readonly string[],
): { nodes: Set<GraphNode>; values: Set<string> } {
  const producers = producersOf(all);
  const nodes = new Set<GraphNode>();
  const values = new Set<string>();
  const pending = [...wanted];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (values.has(value)) continue;
    values.add(value);
    const node = producers.get(value);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    for (const output of node.outputs) values.add(output);
    pending.push(...readsOf(node));
  }
  return { nodes, values };
}

/** The nodes, each after those it reads from. @throws ModelFileError when there is a cycle */
export function inOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const producers = producersOf(nodes);
  const state = new Map<GraphNode, "open" | "done">();
  const sorted: GraphNode[] = [];
  // An explicit stack: real graphs are deeper than a call stack should be.
  const stack = nodes.toReversed();
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    if (state.get(node) === "done") {
      stack.pop();
      continue;
    }
    const waiting = readsOf(node)
      .map((name) => producers.get(name))
      .filter((other) => other !== undefined && state.get(other) !== "done") as GraphNode[];
    if (waiting.length === 0) {
      state.set(node, "done");
      sorted.push(node);
      stack.pop();
    } else if (waiting.some((other) => state.get(other) === "open")) {
      throw new ModelFileError(`The graph has a cycle through node "${node.name}".`);
    } else {
      state.set(node, "open");
      stack.push(...waiting);
    }
  }
  return sorted;
}

function producersOf(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** Everything a node reads, values captured by its subgraphs (If, Loop) included. */
function readsOf(node: GraphNode): string[] {
  const names = node.inputs.filter(Boolean);
  const collect = (graph: GraphProto) => {
    for (const inner of graph.node) {
      names.push(...inner.input);
      for (const attribute of inner.attribute) if (attribute.g) collect(attribute.g);
    }
    for (const output of graph.output) if (output.name) names.push(output.name);
  };
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === "other" && attribute.value.g) collect(attribute.value.g);
  }
  return names;
}
