/** Scoring prepared models on labelled frames. */
import { type Detection, decodeCandidates, type Thresholds } from "../detection/decode-candidates.ts";
import { computeLetterbox, type Size } from "../detection/letterbox.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { queryGpu } from "../engine/engine-key.ts";
import { isEngineWrapper } from "../engine/ep-context.ts";
import { EvaluationError } from "../errors.ts";
import { decodeModel, loadModel } from "../onnx/index.ts";
import { type PreparedMetadata, preparedMetadata } from "../prepare/prepared-form.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import type { ExecutionProvider } from "../runtime/execution-provider.ts";
import type { CocoAnnotations, ScoredBox } from "./coco-annotations.ts";
import { type CocoMetrics, evaluateCoco, evaluateTallerThan, type HeightMetrics } from "./coco-metrics.ts";
import { categoriesOf, toScoredBoxes, truthAsShown } from "./label-frames.ts";
import type { FileFrame, ReadFramesOptions } from "./picture-files.ts";

/** super-gradients' thresholds for COCO validation of YOLO-NAS. */
export const VALIDATION_THRESHOLDS: Thresholds = {
  score: 0.01,
  iou: 0.7,
  preNmsTopK: 1000,
  maxDetections: 300,
};

/** A frame and the image id of its labels. */
export interface LabelledFrame {
  readonly imageId: number;
  readonly frame: FileFrame;
}

/** What one model scored. */
export interface ModelEvaluation {
  readonly metrics: CocoMetrics;
  readonly tallerThan: HeightMetrics;
  readonly frames: number;
  /** Mean milliseconds of inference alone, one frame at a time. */
  readonly inferenceMs: number;
}

/** A model to score: its bytes, or its file (an engine wrapper must be a file); and where to run it. */
export interface ModelSource {
  readonly model: Uint8Array | string;
  /** ONNX Runtime's execution provider. Default "cpu". */
  readonly provider?: ExecutionProvider | undefined;
  /** Compute INT8 exactly, in float, instead of with this processor's kernels. Default false. */
  readonly simulateInt8?: boolean | undefined;
}

/**
 * How files must be read for a prepared model.
 *
 * @example
 * ```ts
 * const { metadata } = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * const { frame } = framesFor(preparedMetadata(metadata));
 * assert.deepEqual(frame, { width: 512, height: 384 });
 * ```
 */
export function framesFor(
  metadata: Pick<PreparedMetadata, "input" | "fit" | "placement" | "frame">,
): Pick<ReadFramesOptions, "letterbox" | "frame"> {
  return {
    letterbox: (source: Size) => computeLetterbox(source, metadata.input, metadata.fit, metadata.placement),
    frame: metadata.frame,
  };
}

/** A loaded model that measures its inference time. */
class FrameDetector {
  readonly metadata: PreparedMetadata;
  inferenceMs = 0;
  private readonly session: DetectorSession;

  private constructor(session: DetectorSession, metadata: PreparedMetadata) {
    this.session = session;
    this.metadata = metadata;
  }

  static async open({ model, provider = "cpu", simulateInt8 }: ModelSource): Promise<FrameDetector> {
    const graph = typeof model === "string" ? await loadModel(model) : decodeModel(model);
    const metadata = preparedMetadata(graph.metadata);
    if (typeof model === "string" && isEngineWrapper(graph))
      await checkEngine(model, { gpu: await queryGpu() });
    return new FrameDetector(
      // Candidates are decoded between two runs, and a worker may serve cameras at the same time.
      await DetectorSession.load(model, { executionProvider: provider, simulateInt8, spin: false }),
      metadata,
    );
  }

  async detect({ pixels, letterbox }: FileFrame): Promise<Detection[]> {
    const start = performance.now();
    const candidates = await this.session.runPlanes(pixels);
    this.inferenceMs += performance.now() - start;
    return decodeCandidates(candidates, 0, VALIDATION_THRESHOLDS, letterbox);
  }

  stop(): Promise<void> {
    return this.session.stop();
  }
}

/**
 * Score prepared models on the same labelled frames, read once. Models of different input sizes cannot share frames.
 * @throws EvaluationError `no_images` when no frame has labels, `category_mismatch` when classes and labels differ
 * @throws EngineError for a TensorRT engine that does not fit this machine
 *
 * @example
 * ```ts
 * const model = "models/yolo-nas-pedestrians/fp32.onnx";
 * const annotations = await readCocoAnnotations("models/yolo-nas-pedestrians/labels/eval.coco.json");
 * const reading = framesFor(preparedMetadata((await loadModel(model)).metadata));
 * const idOf = imageIds(annotations);
 * const frames = readFrames("test/fixtures/pedestrians.mp4", { ...reading, every: 40 });
 * const labelled = labelledFrames(frames, (frame) => idOf(frame, true));
 * const [scored] = await evaluateModels([{ model }], annotations, labelled, { minHeight: 32 });
 * assert.ok(scored!.frames > 0);
 * ```
 */
export async function evaluateModels(
  models: readonly ModelSource[],
  annotations: CocoAnnotations,
  frames: AsyncIterable<LabelledFrame> | Iterable<LabelledFrame>,
  options: { readonly minHeight: number; readonly onFrame?: ((done: number) => void) | undefined },
): Promise<ModelEvaluation[]> {
  const found: ScoredBox[][] = models.map(() => []);
  const detectors = await Promise.all(models.map((model) => FrameDetector.open(model)));
  const categories = detectors.map(({ metadata }) => categoriesOf(annotations, metadata.classes));
  const seen = new Map<number, Pick<FileFrame, "stored" | "letterbox">>();
  try {
    for await (const { imageId, frame } of frames) {
      seen.set(imageId, { stored: frame.stored, letterbox: frame.letterbox });
      for (const [index, detector] of detectors.entries()) {
        found[index]!.push(...toScoredBoxes(imageId, await detector.detect(frame), categories[index]!));
      }
      options.onFrame?.(seen.size);
    }
  } finally {
    for (const detector of detectors) await detector.stop();
  }
  if (seen.size === 0)
    throw new EvaluationError("no_images", "No frame has labels: do images and annotations belong together?");
  const sizes = new Map(annotations.images.map((image) => [image.id, image]));
  // A picture that was not given cannot count as missed.
  const labelled = {
    ...annotations,
    images: annotations.images.filter(({ id }) => seen.has(id)),
    truths: annotations.truths.flatMap((truth) => {
      const frame = seen.get(truth.imageId);
      return frame ? [truthAsShown(truth, sizes.get(truth.imageId), frame)] : [];
    }),
  };
  return detectors.map((detector, index) => ({
    metrics: evaluateCoco(labelled, found[index]!),
    tallerThan: evaluateTallerThan(labelled, found[index]!, options.minHeight),
    frames: seen.size,
    inferenceMs: detector.inferenceMs / seen.size,
  }));
}

/**
 * Pairs frames with their labels and leaves out frames without labels.
 *
 * @example
 * ```ts
 * const { metadata } = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * const reading = framesFor(preparedMetadata(metadata));
 * const frames = readFrames("test/fixtures/pedestrians.mp4", { ...reading, every: 40 });
 * const even = labelledFrames(frames, ({ index }) => (index % 80 === 0 ? index : undefined));
 * for await (const { imageId } of even) assert.equal(imageId % 80, 0);
 * ```
 */
export async function* labelledFrames(
  frames: AsyncIterable<FileFrame>,
  imageIdOf: (frame: FileFrame) => number | undefined,
): AsyncGenerator<LabelledFrame> {
  for await (const frame of frames) {
    const imageId = imageIdOf(frame);
    if (imageId !== undefined) yield { imageId, frame };
  }
}
