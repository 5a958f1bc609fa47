import { describe, expect, test } from "vitest";
import { WireError } from "./errors.ts";
import {
  encodeFrameHandle,
  frameMessageBytes,
  readFrame,
  readFrameAnswer,
  writeFrameHeader,
} from "./frame-codec.ts";
import { FrameMetadata, PixelFormat } from "./gen/sightline/v1/frame.ts";
import { limits } from "./limits.ts";
import { toTimestamp } from "./proto-values.ts";

const frame = FrameMetadata.fromPartial({
  camera: "cameras/front",
  epoch: "e1",
  number: 7,
  previousNumber: 5,
  captureTime: toTimestamp(1_700_000_000_123.456),
  ptsUs: -40_000,
  sourceWidth: 64,
  sourceHeight: 32,
  width: 32,
  height: 32,
  pixelFormat: PixelFormat.GBRP,
  letterbox: { left: 0, top: 8, width: 32, height: 16 },
  decodeUs: 12,
});

function message(): Uint8Array {
  const bytes = new Uint8Array(frameMessageBytes(32, 32));
  bytes.fill(9, limits.frameHeaderBytes);
  writeFrameHeader(bytes, frame);
  return bytes;
}

describe("frame codec", () => {
  test("reads what it wrote, with the pixels as a view", () => {
    const bytes = message();
    const read = readFrame(bytes);
    expect(read.frame).toEqual(frame);
    expect(read.pixels.buffer).toBe(bytes.buffer);
    expect(read.pixels).toEqual(new Uint8Array(3 * 32 * 32).fill(9));
  });

  test("reads a message that does not start at the beginning of its buffer", () => {
    const bytes = message();
    const shifted = new Uint8Array(bytes.byteLength + 3);
    shifted.set(bytes, 3);
    expect(readFrame(shifted.subarray(3)).frame).toEqual(frame);
  });

  test.each([
    ["an empty message", () => new Uint8Array(0)],
    ["another magic", () => message().fill(0, 0, 1)],
    ["a message cut short", () => message().subarray(0, -1)],
    ["a header length beyond the block", () => message().fill(255, 4, 8)],
    ["a header that is not protobuf", () => message().fill(255, 8, 40)],
  ])("refuses %s", (_, make) => {
    expect(() => readFrame(make())).toThrow(WireError);
  });

  test.each([
    ["pixels of another size", { width: 31 }],
    ["an unknown pixel format", { pixelFormat: PixelFormat.UNSPECIFIED }],
    ["a letterbox outside the frame", { letterbox: { left: 1, top: 0, width: 32, height: 32 } }],
    ["a header too large for its block", { camera: "x".repeat(limits.frameHeaderBytes) }],
  ])("refuses to write %s", (_, change) => {
    expect(() => writeFrameHeader(message(), { ...frame, ...change })).toThrow(WireError);
  });
});

describe("frame handles", () => {
  const handle = { arena: "0123456789abcdef-1-2-3", offset: 2 ** 40, generation: 9, bytes: 3 * 32 * 32 };

  test("reads the handle that it wrote, and a frame with its pixels alike", () => {
    expect(readFrameAnswer(encodeFrameHandle(frame, handle))).toEqual({ frame, pixels: handle });
    expect(readFrameAnswer(message())).toEqual(readFrame(message()));
  });

  test("refuses a handle that is cut short, or of another size than the frame", () => {
    const bytes = encodeFrameHandle(frame, handle);
    for (let length = 0; length < bytes.byteLength; length++)
      expect(() => readFrameAnswer(bytes.subarray(0, length))).toThrow(WireError);
    expect(() => encodeFrameHandle(frame, { ...handle, bytes: 1 })).toThrow(WireError);
  });
});
