import type { JsMsg } from "@nats-io/jetstream";
import { cameraIdOf, FrameDetections, limits, subjects } from "@sightline/contracts";
import { traceHeader } from "@sightline/service";
import type { Sequenced } from "./reorder.ts";

/** Room for the ids of tracks and the head of the entry, so that every frame that can be read can also be published. */
const entryOverheadBytes = 64 * 1024;

/** A frame as a worker published it. */
export interface RawFrame extends Sequenced {
  /** Its sequence in the stream of detections. */
  sequence: number;
  event: FrameDetections;
  /** Wall clock when JetStream stored the message, in milliseconds. */
  publishedAt: number;
  /** The frame's trace, if it is traced. */
  trace: string | undefined;
}

/** Reads a message of the stream of detections; undefined when it cannot be analysed. */
export function readRawFrame(message: JsMsg): RawFrame | undefined {
  if (message.data.byteLength > limits.maxGrpcMessageBytes - entryOverheadBytes) return undefined;
  let event: FrameDetections;
  try {
    event = FrameDetections.decode(message.data);
  } catch {
    return undefined;
  }
  const { frame, detections } = event;
  const camera = cameraIdOf(frame?.camera ?? "");
  if (!frame?.captureTime || camera === undefined) return undefined;
  if (message.subject !== subjects.detections(camera)) return undefined;
  const { epoch, number, previousNumber } = frame;
  if (!(epoch !== "" && number >= 1 && previousNumber >= 0 && previousNumber < number)) return undefined;
  if (detections.length > limits.maxDetectionsPerFrame) return undefined;
  return {
    stream: epoch,
    number,
    previousNumber,
    sequence: message.seq,
    event,
    publishedAt: Number(message.timestampNanos) / 1e6,
    trace: message.headers?.get(traceHeader) || undefined,
  };
}
