import { describe, expect, test } from "vitest";
import { exportPath } from "../../fixtures/reference.ts";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { UnknownModelError } from "../errors.ts";
import { attr, float32, int64, loadModel, OnnxGraph } from "../onnx/index.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { SeededWeights } from "../weights/seeded-weights.ts";
import { describeModel } from "./describe-model.ts";

const raw = () => loadModel(exportPath("raw-static"));

describe("describeModel", () => {
  test.each([
    ["raw-static", { form: "raw", image: { type: "float32", batch: 1, channelOrder: "rgb", factor: 1 } }],
    ["raw-dynamic", { form: "raw", image: { type: "float32", batch: "dynamic", channelOrder: "rgb" } }],
    ["raw-half", { form: "raw", image: { type: "float16", batch: 1 } }],
    ["frigate", { form: "onnxruntime-flat", image: { type: "uint8", batch: 1, channelOrder: "bgr" } }],
  ])("recognises %s", async (name, expected) => {
    const description = describeModel(await loadModel(exportPath(name)));
    expect(description).toMatchObject({ ...expected, classCount: 2, anchorCount: 126, quantized: false });
    expect(description.image).toMatchObject({ width: 96, height: 64 });
    expect(description.heads!.heads.map(({ stride }) => stride)).toEqual([8, 16, 32]);
    expect(description.heads!.regMax).toBe(16);
  });

  test("reads the scaling inside a graph", async () => {
    expect(describeModel(await loadModel(exportPath("frigate"))).image.factor).toBeCloseTo(1 / 255, 9);
  });

  test.each(["onnxruntime", "tensorrt"] as const)("recognises %s's NMS in both formats", async (engine) => {
    for (const format of ["batch", "flat"] as const) {
      const graph = withNms(await raw(), engine, format);
      expect(describeModel(graph)).toMatchObject({
        form: `${engine}-${format}`,
        classCount: 2,
        anchorCount: 126,
      });
      expect(prepareModel(graph).nodes.some(({ op }) => /NonMaxSuppression|NMS/.test(op))).toBe(false);
    }
  });

  test("recognises its own prepared form", async () => {
    const description = describeModel(prepareModel(await raw(), { topK: 50 }));
    expect(description).toMatchObject({ form: "prepared", classCount: 2, anchorCount: 50 });
  });

  test.each([1, 3, 4, 17, 68])("tells boxes from the scores of %d classes in either order", (count) => {
    const graph = built(count);
    const inOrder = describeModel(graph);
    expect(inOrder).toMatchObject({ form: "raw", classCount: count, heads: { regMax: 16 } });
    graph.outputs.reverse();
    expect(describeModel(graph)).toEqual(inOrder);
    // As exporters leave them that record no shapes.
    graph.outputs = graph.outputs.map((output) => ({ ...output, shape: undefined }));
    expect(describeModel(graph)).toEqual(inOrder);
  });

  test("refuses sides of one bin, and scores whose recorded number is not the class layers'", () => {
    expect(() => describeModel(built(4, 0))).toThrow(UnknownModelError);
    const graph = built(4);
    graph.outputs = graph.outputs.map((output) =>
      output.name === "scores" ? { ...output, shape: ["N", 84, 5] } : output,
    );
    expect(() => describeModel(graph)).toThrow(UnknownModelError);
  });

  test("names the tensors it saw and those it expected", async () => {
    const graph = await raw();
    graph.outputs = graph.outputs.slice(1);
    const failure = catchError(() => describeModel(graph));
    expect(failure).toBeInstanceOf(UnknownModelError);
    expect(failure.message).toContain("pred_scores float32 [1, 126, 2]");
    expect(failure.message).toContain("boxes [B, A, 4] and scores [B, A, classes]");
  });

  test("does not take another two-output network for YOLO-NAS", () => {
    const graph = new OnnxGraph();
    graph.inputs = [{ name: "x", type: "float32", shape: [1, 3, 32, 32] }];
    graph.addInitializer("w", float32([4, 3, 1, 1], new Float32Array(12)));
    graph.add("Conv", ["x", "w"], {}, "y");
    graph.addInitializer("shape", int64([3], [1, -1, 4]));
    graph.add("Reshape", ["y", "shape"], {}, "a");
    graph.add("Reshape", ["y", "shape"], {}, "b");
    graph.outputs = ["a", "b"].map((name) => ({ name, type: "float32", shape: [1, 1024, 4] }));
    expect(() => describeModel(graph)).toThrow(UnknownModelError);
  });
});

/** A raw export of random weights, with so many bins less one for each side of a box. */
function built(count: number, regMax = 16): OnnxGraph {
  const classes = Array.from({ length: count }, (_, i) => `c${i}`);
  const spec = { ...architecture("yolo_nas_xs"), regMax };
  return buildModel(spec, new SeededWeights(1), { width: 64, height: 64, classes });
}

/** Append what super-gradients' exporter appends: the best candidates by score, then an NMS of either engine. */
function withNms(graph: OnnxGraph, engine: "onnxruntime" | "tensorrt", format: "batch" | "flat"): OnnxGraph {
  const [boxes, scores] = graph.outputs.map(({ name }) => name) as [string, string];
  const best = graph.add("ReduceMax", [scores], { axes: attr.ints([2]), keepdims: attr.int(0) });
  const count = graph.addInitializer("pre_nms_count", int64([1], [100]));
  const topK = graph.addNode({ op: "TopK", inputs: [best, count], outputs: ["top_scores", "top_index"] });
  const axis = graph.addInitializer("last_axis", int64([1], [2]));
  const index = graph.add("Unsqueeze", [topK.outputs[1]!, axis]);
  const pick = (value: string, name: string) =>
    graph.add("GatherND", [value, index], { batch_dims: attr.int(1) }, name);
  const chosen = [pick(boxes, "pre_nms_bboxes_xyxy"), pick(scores, "pre_nms_scores")] as const;
  const info = (name: string, type: "float32" | "int64" | "int32", shape: (number | string)[]) => ({
    name,
    type,
    shape,
  });
  if (engine === "tensorrt") {
    const outputs = ["num_dets", "det_boxes", "det_scores", "det_classes"];
    graph.addNode({ op: "EfficientNMS_TRT", domain: "TRT", inputs: [...chosen], outputs });
    graph.outputs = [
      info("num_dets", "int32", [1, 1]),
      info("det_boxes", "float32", [1, 100, 4]),
      info("det_scores", "float32", [1, 100]),
      info("det_classes", "int32", [1, 100]),
    ];
  } else {
    const byClass = graph.add("Transpose", [chosen[1]], { perm: attr.ints([0, 2, 1]) });
    graph.add("NonMaxSuppression", [chosen[0], byClass], {}, "selected");
    graph.outputs = [
      info("graph2_num_predictions", "int64", [1, 1]),
      info("graph2_pred_boxes", "float32", [1, 100, 4]),
      info("graph2_pred_scores", "float32", [1, 100]),
      info("graph2_pred_classes", "int64", [1, 100]),
    ];
  }
  if (format === "flat") graph.outputs = [info("graph2_flat_predictions", "float32", ["D", 7])];
  return graph;
}

function catchError(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
