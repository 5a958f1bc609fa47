import { cameraName, FrameDetections, toTimestamp } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";

/** Reads an unsigned varint of at most 53 bits. */
function varint(data: Uint8Array, at: { position: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = data[at.position++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

/**
 * Number and capture time (milliseconds) of the frame in a SubscribeDetectionsResponse, without decoding the rest;
 * undefined when it holds no frame. It relies on the order in which encoders write fields.
 */
export function peekFrame(message: Uint8Array): { number: number; capturedAt: number } | undefined {
  if (message[0] !== 0x0a) return undefined;
  const at = { position: 0 };
  const enter = (tag: number) => {
    if (message[at.position++] !== tag) throw new Error("a message is no frame as this program knows it");
    return varint(message, at);
  };
  const pass = (tag: number) => {
    const length = enter(tag);
    at.position += length;
  };
  // frame, frame (metadata), then past camera and epoch.
  enter(0x0a);
  enter(0x0a);
  pass(0x0a);
  pass(0x12);
  const number = enter(0x18);
  if (message[at.position] === 0x20) enter(0x20);
  const length = enter(0x2a);
  const end = at.position + length;
  const seconds = enter(0x08);
  const nanos = at.position < end ? enter(0x10) : 0;
  return { number, capturedAt: seconds * 1_000 + nanos / 1e6 };
}

/** The camera whose frames subscribers get. */
export const benchCamera = "bench";

/** A frame with four people in it, captured now: some 400 bytes on the wire. */
export function benchFrame(number: number): FrameDetections {
  return FrameDetections.fromPartial({
    frame: {
      camera: cameraName(benchCamera),
      epoch: "bench",
      number,
      previousNumber: number - 1,
      captureTime: toTimestamp(wallClockMs()),
      ptsUs: number * 33_333,
      sourceWidth: 1920,
      sourceHeight: 1080,
      width: 640,
      height: 384,
    },
    detections: [0.1, 0.3, 0.5, 0.7].map((xMin) => ({
      className: "person",
      score: 0.9,
      pixelBox: { xMin: xMin * 1920, yMin: 400, xMax: xMin * 1920 + 100, yMax: 700 },
      normalizedBox: { xMin, yMin: 0.4, xMax: xMin + 0.05, yMax: 0.65 },
    })),
    timings: { decodeUs: 4_000, queueUs: 1_000, batchUs: 2_000, inferUs: 30_000, postUs: 1_000 },
    inference: { model: "bench", modelDigest: "0123456789ab", precision: "int8", executionProvider: "cpu" },
  });
}
