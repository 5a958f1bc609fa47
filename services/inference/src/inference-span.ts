import { cameraIdOf, type FrameDetections, subjects } from "@sightline/contracts";
import type { Tracing } from "@sightline/service";
import { monotonicMs, wallClockMs } from "@sightline/service/clock";
import type { FetchedFrame } from "./frame-source.ts";

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
