import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportPath } from "../../fixtures/reference.ts";
import { InvalidArgumentError, ModelFileError } from "../errors.ts";
import { InferenceSession, Tensor as RuntimeTensor } from "../runtime/onnx-runtime.ts";
import {
  AttributeProto,
  AttributeProto_AttributeType,
  GraphProto,
  ModelProto,
  TensorProto,
  TensorProto_DataLocation,
} from "./gen/onnx.ts";
import {
  attr,
  decodeModel,
  encodeModel,
  float32,
  int64,
  loadModel,
  OnnxGraph,
  saveModel,
  toNumbers,
} from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onnx-"));
});
afterAll(() => rm(folder, { recursive: true }));

function doubling(): OnnxGraph {
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "x", type: "float32", shape: ["N", 2] }];
  graph.addInitializer("two", float32([2], [2, 2]));
  graph.add("Mul", ["x", "two"], {}, "y");
  graph.outputs = [{ name: "y", type: "float32", shape: ["N", 2] }];
  return graph;
}

async function run(graph: OnnxGraph, values: number[]): Promise<number[]> {
  const session = await InferenceSession.create(encodeModel(graph));
  const outputs = await session.run({ x: new RuntimeTensor("float32", values, [values.length / 2, 2]) });
  await session.release();
  return [...(outputs[graph.outputs[0]!.name]!.data as Float32Array)];
}

describe("model files", () => {
  test("survive a round trip through ONNX Runtime and back", async () => {
    const path = join(folder, "double.onnx");
    const graph = doubling();
    graph.metadata.set("classes", '["person"]');
    await saveModel(graph, path);
    const loaded = await loadModel(path);
    expect(loaded.metadata.get("classes")).toBe('["person"]');
    expect(loaded.shapeOf("y")).toEqual(["N", 2]);
    expect(toNumbers(loaded.initializers.get("two")!)).toEqual([2, 2]);
    expect(await run(loaded, [1, 2, 3, 4])).toEqual([2, 4, 6, 8]);
  });

  test("of an exporter keep every node, attribute and constant", async () => {
    const once = await loadModel(exportPath("raw-dynamic"));
    const twice = decodeModel(encodeModel(once));
    expect(twice.nodes).toEqual(once.nodes);
    expect(twice.initializers).toEqual(once.initializers);
    expect(twice.opsets).toEqual(once.opsets);
  });

  test("may keep weights beside them, but not elsewhere", async () => {
    const proto = ModelProto.decode(encodeModel(doubling()));
    const [weights] = proto.graph!.initializer;
    await writeFile(join(folder, "weights.bin"), Buffer.concat([Buffer.alloc(8), weights!.rawData!]));
    weights!.rawData = undefined;
    weights!.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const place = (location: string) => {
      weights!.externalData = [
        { key: "location", value: location },
        { key: "offset", value: "8" },
        { key: "length", value: "8" },
      ];
      return ModelProto.encode(proto).finish();
    };
    expect(toNumbers(decodeModel(place("weights.bin"), folder).initializers.get("two")!)).toEqual([2, 2]);
    expect(() => decodeModel(place("../weights.bin"), folder)).toThrow(ModelFileError);
    expect(() => decodeModel(place("/etc/hostname"), folder)).toThrow(ModelFileError);
    expect(() => decodeModel(place("absent.bin"), folder)).toThrow(ModelFileError);
  });

  test("whose subgraphs name files are refused: ONNX Runtime would read them", () => {
    const graph = doubling();
    graph.add("Identity", ["x"], {}, "z");
    const proto = ModelProto.decode(encodeModel(graph));
    const outside = TensorProto.fromPartial({
      ...{ name: "notes", dataType: 2, dims: [8n], dataLocation: TensorProto_DataLocation.EXTERNAL },
      externalData: [{ key: "location", value: "package.json" }],
    });
    const { GRAPH } = AttributeProto_AttributeType;
    const inner = { name: "then_branch", type: GRAPH, g: GraphProto.fromPartial({ initializer: [outside] }) };
    const nested = { ...inner, g: GraphProto.fromPartial({ node: [{ attribute: [inner] }] }) };
    for (const attribute of [inner, nested]) {
      proto.graph!.node[1]!.attribute = [AttributeProto.fromPartial(attribute)];
      expect(() => decodeModel(ModelProto.encode(proto).finish(), folder)).toThrow(
        /"notes" of a subgraph lies in an external file/,
      );
    }
  });

  test("that are not ONNX are refused", async () => {
    await writeFile(join(folder, "text.onnx"), "this is no model");
    await expect(loadModel(join(folder, "text.onnx"))).rejects.toThrow(ModelFileError);
    await expect(loadModel(join(folder, "absent.onnx"))).rejects.toThrow(ModelFileError);
    expect(() => decodeModel(new Uint8Array())).toThrow(ModelFileError);
  });

  test("write INT64_MAX, which a double cannot hold, as exporters mean it", () => {
    const graph = doubling();
    graph.nodes[0]!.attributes.set("end", attr.int(2 ** 63));
    const [attribute] = ModelProto.decode(encodeModel(graph)).graph!.node[0]!.attribute;
    expect(attribute).toMatchObject({ type: AttributeProto_AttributeType.INT, i: 2n ** 63n - 1n });
  });
});

describe("OnnxGraph", () => {
  test("drops what no output needs", () => {
    const graph = doubling();
    graph.addInitializer("unused", int64([1], [5]));
    graph.add("Relu", ["y"], {}, "z");
    graph.removeDeadNodes();
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Mul"]);
    expect([...graph.initializers.keys()]).toEqual(["two"]);
  });

  test("orders nodes by what they read, and reports a cycle", async () => {
    const graph = doubling();
    graph.nodes[0]!.inputs = ["x2", "two"];
    graph.add("Relu", ["x"], {}, "x2");
    graph.sortNodes();
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Relu", "Mul"]);
    expect(await run(graph, [-1, 3])).toEqual([0, 6]);
    graph.nodes[0]!.inputs = ["y"];
    expect(() => graph.sortNodes()).toThrow(ModelFileError);
  });

  test("renames a value everywhere", async () => {
    const graph = doubling();
    graph.rename("y", "result");
    graph.rename("two", "factor");
    expect(await run(graph, [1, 2])).toEqual([2, 4]);
    expect(graph.outputs[0]!.name).toBe("result");
    expect(() => graph.rename("factor", "x")).toThrow(InvalidArgumentError);
  });

  test("finds producers, readers and constants", () => {
    const graph = doubling();
    graph.addNode({
      op: "Constant",
      inputs: [],
      outputs: ["c"],
      attributes: { value: attr.tensor(int64([], [7])) },
    });
    graph.add("Identity", ["c"], {}, "d");
    expect(graph.producerOf("y")!.op).toBe("Mul");
    expect(graph.consumersOf("x").map(({ op }) => op)).toEqual(["Mul"]);
    expect(toNumbers(graph.constantOf("d")!)).toEqual([7]);
    expect(graph.constantOf("y")).toBeUndefined();
    expect(graph.uniqueName("y")).not.toBe("y");
  });
});
