import {
  cameraIdOf,
  type Detection,
  FrameDetections,
  type FrameMetadata,
  type Inference,
  makeDetection,
  subjects,
} from "@sightline/contracts";
import type { Tracing } from "@sightline/service";
import { monotonicMs, wallClockMs } from "@sightline/service/clock";
import {
  type CandidateBatch,
  decodeCandidates,
  type Letterbox,
  type ModelManifest,
} from "@sightline/yolo-nas";
import type { CameraFilter } from "./camera-filters.ts";
import type { FetchedFrame } from "./frame-source.ts";

/** When things happened to a frame in this worker, in monotonic milliseconds. */
export interface FrameTimes {
  requestedAt: number;
  startedAt: number;
  runMs: number;
  /** The moment of publication. */
  publishedAt: number;
}

/**
 * Where the camera's picture is in the model's input. The frame says where the picture is in the frame, and the graph
 * centres the frame in its input. The scale is that of the longer side, which is not rounded; a stretched picture has a
 * scale for each side.
 */
function letterboxOf(frame: FrameMetadata, model: ModelManifest): Letterbox {
  const { left, top, width, height } = frame.letterbox!;
  const source = { width: frame.sourceWidth, height: frame.sourceHeight };
  const [across, down] = [width / source.width, height / source.height];
  return {
    source,
    scaled: { width, height },
    input: model.input,
    ...(model.placement === "stretch"
      ? { scale: across, verticalScale: down }
      : { scale: source.width >= source.height ? across : down }),
    left: left + Math.floor((model.input.width - frame.width) / 2),
    top: top + Math.floor((model.input.height - frame.height) / 2),
  };
}

/** What is published for one frame of a batch: its boxes after NMS that pass the camera's filter. */
export function frameResult(
  outputs: CandidateBatch,
  index: number,
  frame: FrameMetadata,
  model: ModelManifest,
  filter: Pick<CameraFilter, "minScore" | "classes">,
): Detection[] {
  const thresholds = { ...model.thresholds, ...(filter.minScore > 0 ? { score: filter.minScore } : {}) };
  const found = decodeCandidates(outputs, index, thresholds, letterboxOf(frame, model));
  const { sourceWidth: width, sourceHeight: height } = frame;
  return found
    .filter(({ classId }) => filter.classes?.has(model.classes[classId]!) ?? true)
    .map(({ classId, score, box }) =>
      makeDetection({ classId, className: model.classes[classId]!, score, box }, { width, height }),
    );
}

/** The message for a frame, with how its time was spent. */
export function frameDetections(
  frame: FrameMetadata,
  detections: Detection[],
  inference: Inference,
  times: FrameTimes,
): FrameDetections {
  return FrameDetections.fromPartial({
    frame,
    detections,
    inference,
    timings: {
      decodeUs: frame.decodeUs,
      queueUs: frame.queueUs,
      batchUs: microseconds(times.startedAt - times.requestedAt),
      inferUs: microseconds(times.runMs),
      postUs: microseconds(times.publishedAt - times.startedAt - times.runMs),
    },
  });
}

function microseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1000));
}

/** Records a traced frame's time in this worker, and returns the trace context for the next hop. */
export function traceInference(
  tracing: Pick<Tracing, "record">,
  { trace, requestedAt }: Pick<FetchedFrame, "trace" | "requestedAt">,
  { frame, timings, inference }: FrameDetections,
): string | undefined {
  if (trace === undefined || !timings || !inference) return trace;
  const startMs = wallClockMs() - (monotonicMs() - requestedAt);
  const stages = [
    { name: "batch", durationMs: timings.batchUs / 1000 },
    { name: "infer", durationMs: timings.inferUs / 1000 },
    { name: "post", durationMs: timings.postUs / 1000 },
  ];
  const camera = cameraIdOf(frame?.camera ?? "") ?? "";
  const span = {
    name: "inference",
    role: "consumer",
    subject: subjects.frameGet(camera),
    subjectTemplate: subjects.frameGet("{camera}"),
    startMs,
    endMs: startMs + stages.reduce((sum, { durationMs }) => sum + durationMs, 0),
    attributes: {
      "sightline.camera": camera,
      "sightline.model": inference.model,
      "sightline.worker": inference.worker,
      "sightline.execution_provider": inference.executionProvider,
      "sightline.precision": inference.precision,
      "sightline.batch_size": inference.batchSize,
    },
    stages,
  } as const;
  return tracing.record(span, trace) ?? trace;
}
