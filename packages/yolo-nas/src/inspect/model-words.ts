/** A model's description in sentences, for people. */
import type { OnnxGraph } from "../onnx/index.ts";
import { encodingOf, pairsThatCanClip } from "../runtime/pair-sums.ts";
import type { ModelDescription, ModelForm } from "./describe-model.ts";

const FORMS: Record<ModelForm, string> = {
  prepared: "Sightline's prepared form: uint8 frames in, the best candidates out",
  raw: "a raw export: every anchor's box and scores, no NMS",
  "onnxruntime-batch": "an export with ONNX Runtime's NMS, in batch format",
  "onnxruntime-flat": "an export with ONNX Runtime's NMS, in flat format",
  "tensorrt-batch":
    "an export with TensorRT's NMS plugin, in batch format (ONNX Runtime cannot load it as it is)",
  "tensorrt-flat":
    "an export with TensorRT's NMS plugin, in flat format (ONNX Runtime cannot load it as it is)",
};

/**
 * Lines that say what a model is, its inputs and outputs, and what to do with it next.
 *
 * @example
 * ```ts
 * const graph = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * assert.match(modelWords(graph, describeModel(graph)).join("\n"), /512x384/);
 * ```
 */
export function modelWords(graph: OnnxGraph, description: ModelDescription): string[] {
  const { form, image, heads, classCount, anchorCount, quantized } = description;
  const batch = image.batch === "dynamic" ? "any batch size" : `batch size ${image.batch}`;
  const weights = [...graph.initializers.values()].reduce((sum, { data }) => sum + data.length, 0);
  const classes = `${classCount} ${classCount === 1 ? "class" : "classes"}`;
  const lines = [
    form === "prepared" ? `This is ${FORMS[form]}.` : `This is YOLO-NAS, ${FORMS[form]}.`,
    `Input "${image.name}": ${image.type}, ${image.width}x${image.height} pixels, ${batch}; ${pixelWords(description)}.`,
    form === "prepared"
      ? `It gives the best ${anchorCount} candidates of ${classes}, best first.`
      : `It predicts ${classes} at ${anchorCount} anchors, with strides ${heads!.heads.map(({ stride }) => stride).join(", ")}.`,
    `${quantized ? "Quantised (it has QuantizeLinear or DequantizeLinear nodes)" : "Floating point"}; ` +
      `${(weights / 1e6).toFixed(2)} M constants, ${graph.nodes.length} nodes, opset ${graph.opsets.get("")}.`,
  ];
  if (quantized) lines.push(sumWords(graph));
  if (form !== "prepared") {
    lines.push(
      quantized
        ? "Next: prepare the float export instead; a quantised one cannot be rewritten."
        : "Next: `sightline model prepare` makes it ready to deploy.",
    );
  }
  return lines;
}

/** Whether the file gives the same results on processors with and without exact 8-bit sums. */
function sumWords(graph: OnnxGraph): string {
  const encoding =
    encodingOf(graph) === "cpu" ? "Encoded for ONNX Runtime's CPU kernels" : "Encoded for TensorRT";
  const pairs = pairsThatCanClip(graph);
  if (encodingOf(graph) === "tensorrt") return `${encoding}: symmetric int8.`;
  return pairs === 0
    ? `${encoding}: uint8 activations, and weights whose sums are exact on every processor, with VNNI or without.`
    : `${encoding}: uint8 activations; a CPU without VNNI clips sums of ${pairs} pairs of weights, so its accuracy there is another. Quantise it again.`;
}

function pixelWords({ form, image }: ModelDescription): string {
  if (form === "prepared") return "planes in the order G, B, R (ffmpeg's gbrp), bytes as they are";
  const scale =
    image.type === "uint8" || image.factor !== 1
      ? "bytes 0…255, scaled inside"
      : "values 0…1, scaled by the caller";
  return `channels ${image.channelOrder.toUpperCase()}, ${scale}`;
}
