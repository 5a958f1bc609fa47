import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { fromTimestamp, subjects } from "@sightline/contracts";
import { type Tracing, traceHeader } from "@sightline/service";
import type { WaitingFrame } from "./frame-queue.ts";

/** Begins the trace of a frame that is being handed over, when it is one of those that are traced: headers for its next hop. */
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
