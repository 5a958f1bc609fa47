import { InvalidArgumentError } from "../errors.ts";
import { encodeModel, type OnnxGraph } from "../onnx/index.ts";
import { InferenceSession, Tensor } from "../runtime/onnx-runtime.ts";
import { ActivationHistogram } from "./activation-histogram.ts";
import type { QuantizationProgress, ReportProgress } from "./quantization-report.ts";

/** One frame as the prepared graph takes it: planar G, B, R bytes. */
export interface CalibrationFrame {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Result of calibration: a histogram and a shape (batch first) per tensor. */
export interface Calibration {
  readonly histograms: ReadonlyMap<string, ActivationHistogram>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Run the float graph over frames with the given tensors as outputs, and keep a histogram of each. Memory is bounded by one frame's
 * activations (about 0.25 GB for YOLO-NAS S at 640×640) however many frames there are. Frames must be like those in operation: plain, in
 * order, never augmented.
 * @throws InvalidArgumentError when there is no frame
 */
export async function calibrate(
  graph: OnnxGraph,
  tensors: readonly string[],
  frames: readonly CalibrationFrame[],
  options: FramesOptions = {},
): Promise<Calibration> {
  if (frames.length === 0)
    throw new InvalidArgumentError("Calibration needs at least one frame; none was given.");
  const histograms = new Map(tensors.map((name) => [name, new ActivationHistogram()]));
  const shapes = new Map<string, readonly number[]>();
  const session = await openWithOutputs(graph, tensors);
  await runFrames(session, frames, { ...options, stage: "calibrating" }, (outputs) => {
    for (const name of tensors) {
      const output = outputs[name]!;
      histograms.get(name)!.observe(output.data as Float32Array);
      shapes.set(name, output.dims);
    }
  });
  return { histograms, shapes };
}

export interface FramesOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ReportProgress | undefined;
}

/**
 * Runs frames in order, passes each frame's outputs to `take`, reports it as a step of `stage`, and releases the session.
 * @throws the error of `take`, or the signal's reason
 */
export async function runFrames(
  session: InferenceSession,
  frames: readonly CalibrationFrame[],
  { signal, onProgress, stage }: FramesOptions & { readonly stage?: QuantizationProgress["stage"] },
  take: (outputs: InferenceSession.OnnxValueMapType, index: number) => void | Promise<void>,
): Promise<void> {
  try {
    for (const [index, frame] of frames.entries()) {
      signal?.throwIfAborted();
      await take(await session.run(feed(session, frame)), index);
      if (stage) onProgress?.({ stage, done: index + 1, total: frames.length });
    }
  } finally {
    await session.release();
  }
}

/** Between two runs, as much is computed here as in the session, so the session's threads must not spin meanwhile. */
export const quietWhileIdle: InferenceSession.SessionOptions = {
  extra: { session: { intra_op: { allow_spinning: "0" } } },
};

/** A session for the graph with `tensors` as outputs. The runtime then does not fuse across them. */
export async function openWithOutputs(
  graph: OnnxGraph,
  tensors: readonly string[],
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const copy = graph.clone();
  copy.outputs = tensors.map((name) => ({ name, type: "float32", shape: undefined }));
  copy.removeDeadNodes();
  return InferenceSession.create(encodeModel(copy), { logSeverityLevel: 3, ...quietWhileIdle, ...options });
}

/** The session's input for one frame. */
export function feed(session: InferenceSession, frame: CalibrationFrame): Record<string, Tensor> {
  return { [session.inputNames[0]!]: new Tensor("uint8", frame.pixels, [1, 3, frame.height, frame.width]) };
}
