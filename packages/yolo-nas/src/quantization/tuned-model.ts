/** INT8 files with constants that were trained elsewhere (`models/training/quantization_aware.py`). */
import { InvalidArgumentError } from "../errors.ts";
import type { OnnxGraph } from "../onnx/index.ts";
import { pairsThatCanClip } from "../runtime/pair-sums.ts";

/**
 * Check that `tuned` differs from `quantized` only in its constants, since it is run as the same network.
 * @param exactOnEveryCpu the file is for CPUs, so that no two neighbouring products may clip
 * @throws InvalidArgumentError saying what differs
 *
 * @example
 * ```ts
 * const quantized = await loadModel("models/yolo-nas-pedestrians/int8.cpu.onnx");
 * checkTuned(quantized.clone(), quantized, true);
 * const other = await loadModel("models/yolo-nas-pedestrians/int8.trt.onnx");
 * assert.throws(() => checkTuned(other, quantized, true), InvalidArgumentError);
 * ```
 */
export function checkTuned(tuned: OnnxGraph, quantized: OnnxGraph, exactOnEveryCpu: boolean): void {
  const refuse = (what: string) => {
    throw new InvalidArgumentError(`The tuned file was not made from this model's own file: ${what}.`);
  };
  if (tuned.nodes.length !== quantized.nodes.length)
    refuse(`it has ${tuned.nodes.length} operators, not ${quantized.nodes.length}`);
  for (const [index, node] of quantized.nodes.entries()) {
    const other = tuned.nodes[index]!;
    const same =
      other.op === node.op &&
      other.inputs.join(" ") === node.inputs.join(" ") &&
      other.outputs.join(" ") === node.outputs.join(" ");
    if (!same) refuse(`"${other.name}" stands in the place of "${node.name}"`);
  }
  for (const [name, { type, dims }] of quantized.initializers) {
    const constant = tuned.initializers.get(name);
    if (constant?.type !== type || constant.dims.join() !== dims.join())
      refuse(`the constant "${name}" is of another kind`);
  }
  for (const [key, value] of quantized.metadata)
    if (tuned.metadata.get(key) !== value) refuse(`its "${key}" differs`);
  const clipping = exactOnEveryCpu ? pairsThatCanClip(tuned) : 0;
  if (clipping > 0)
    throw new InvalidArgumentError(
      `${clipping} pairs of neighbouring weights in the tuned file clip on processors without VNNI.`,
    );
}
