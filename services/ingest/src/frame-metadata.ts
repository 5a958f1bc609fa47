import { headers, type MsgHdrs } from "@nats-io/transport-node";
import {
  cameraName,
  type FrameMetadata,
  fromTimestamp,
  pixelFormatOf,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { type Tracing, traceHeader } from "@sightline/service";
import type { SteadyWallClock } from "@sightline/service/clock";
import { type AnalysisGeometry, letterboxOf } from "./analysis-geometry.ts";
import type { ArrivedFrame } from "./frame-intake.ts";
import type { WaitingFrame } from "./frame-queue.ts";

/** The source of frames. */
export interface FrameOrigin {
  camera: string;
  epoch: string;
  /** When the camera was registered, in milliseconds. */
  registeredAt: number;
}

/**
 * What a frame's header says before the frame is handed over. `readyAt`: when its pixels were in memory, by
 * performance.now(). `clock`: the camera's.
 */
export function describeFrame(
  { camera, epoch, registeredAt }: FrameOrigin,
  frame: ArrivedFrame,
  geometry: AnalysisGeometry,
  readyAt: number,
  clock: Pick<SteadyWallClock, "at">,
): Omit<FrameMetadata, "previousNumber" | "queueUs"> {
  return {
    camera: cameraName(camera),
    epoch,
    cameraCreateTime: toTimestamp(registeredAt),
    number: frame.number,
    captureTime: toTimestamp(clock.at(frame.arrivedAt)),
    ptsUs: frame.ptsUs,
    sourceWidth: frame.sourceWidth,
    sourceHeight: frame.sourceHeight,
    width: geometry.width,
    height: geometry.height,
    pixelFormat: pixelFormatOf(geometry.pixelFormat),
    letterbox: letterboxOf(geometry, frame.sourceWidth, frame.sourceHeight),
    decodeUs: Math.round((readyAt - frame.arrivedAt) * 1000),
  };
}

/** Begins the trace of a frame that is being handed over, if this frame is traced. Returns the headers for its next hop. */
export function traceFrame(
  tracing: Pick<Tracing, "sample" | "record">,
  camera: string,
  { metadata, readyAt }: Pick<WaitingFrame, "metadata" | "readyAt">,
): MsgHdrs | undefined {
  if (!metadata.captureTime || !tracing.sample()) return undefined;
  const startMs = fromTimestamp(metadata.captureTime);
  const stages = [
    { name: "decode", durationMs: metadata.decodeUs / 1000 },
    { name: "queue", durationMs: performance.now() - readyAt },
  ];
  const context = tracing.record({
    name: "ingest",
    role: "producer",
    subject: subjects.frameGet(camera),
    subjectTemplate: subjects.frameGet("{camera}"),
    startMs,
    endMs: startMs + stages[0]!.durationMs + stages[1]!.durationMs,
    attributes: {
      "sightline.camera": camera,
      "sightline.epoch": metadata.epoch,
      "sightline.frame": metadata.number,
    },
    stages,
  });
  if (context === undefined) return undefined;
  const carrier = headers();
  carrier.set(traceHeader, context);
  return carrier;
}
