/** The parts of an ONNX graph. */
import type { Attribute } from "./attribute.ts";
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
  attributes: Map<string, Attribute>;
}

export interface NewNode {
  readonly op: string;
  readonly inputs: readonly string[];
  /** One output named after the node when omitted. */
  readonly outputs?: readonly string[];
  /** Made unique from the operator's name when omitted. */
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}
