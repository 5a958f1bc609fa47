import { WireError } from "./errors.ts";
import { Detection } from "./gen/sightline/v1/detection.ts";
import { FrameMetadata, PixelFormat } from "./gen/sightline/v1/frame.ts";
import { limits } from "./limits.ts";
import type { PixelFormatName } from "./wire.ts";

const magic = 0x534c4631; // "SLF1"
const handleMagic = 0x534c4831; // "SLH1"
const prefixBytes = 8;
/** Prefix of a handle message: magic, header length, offset, generation, bytes of pixels, length of the arena's name. */
const handlePrefixBytes = 8 + 8 + 8 + 4 + 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where a frame's pixels lie in memory that its ingest shares with workers on the same host. */
export interface FrameHandle {
  /** Name of the arena. */
  arena: string;
  /** Offset of the slot in the arena, in bytes. */
  offset: number;
  /** Distinguishes this frame from earlier and later frames in the same slot. */
  generation: number;
  /** Bytes of the pixels. */
  bytes: number;
}

/** Name of the format in settings and announcements. */
export function pixelFormatName(format: PixelFormat): PixelFormatName {
  return format === PixelFormat.I420 ? "i420" : "gbrp";
}

/** The format with this name; gbrp when no name is given. */
export function pixelFormatOf(name: PixelFormatName | undefined): PixelFormat {
  return name === "i420" ? PixelFormat.I420 : PixelFormat.GBRP;
}

/** Bytes of a frame's pixels: three planes of 8 bits; in I420 two of them have half the width and height. */
export function framePixelBytes(
  width: number,
  height: number,
  format: PixelFormat = PixelFormat.GBRP,
): number {
  return (format === PixelFormat.I420 ? 1.5 : 3) * width * height;
}

/** Bytes of a frame message: the header block and the pixels. */
export function frameMessageBytes(
  width: number,
  height: number,
  format: PixelFormat = PixelFormat.GBRP,
): number {
  return limits.frameHeaderBytes + framePixelBytes(width, height, format);
}

/**
 * Writes the header block in front of the pixels, in place: `message` holds limits.frameHeaderBytes free bytes, then framePixelBytes()
 * bytes of pixels. This avoids a copy: a frame is half a megabyte and this runs for every frame.
 * @throws WireError frame_invalid: the sizes do not match or the header does not fit
 */
export function writeFrameHeader(message: Uint8Array, frame: FrameMetadata): void {
  checkGeometry(frame, message.byteLength);
  const header = FrameMetadata.encode(frame).finish();
  if (header.byteLength > limits.frameHeaderBytes - prefixBytes)
    throw new WireError("frame_invalid", `frame header of ${header.byteLength} bytes does not fit its block`);
  const view = new DataView(message.buffer, message.byteOffset);
  view.setUint32(0, magic);
  view.setUint32(4, header.byteLength);
  message.set(header, prefixBytes);
}

/**
 * Reads a frame message. `pixels` is a view of `message`, not a copy.
 * @throws WireError frame_invalid: the message is not a complete, valid frame
 */
export function readFrame(message: Uint8Array): { frame: FrameMetadata; pixels: Uint8Array } {
  if (message.byteLength < limits.frameHeaderBytes)
    throw new WireError(
      "frame_invalid",
      `frame message of ${message.byteLength} bytes is shorter than its header block`,
    );
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (view.getUint32(0) !== magic) throw new WireError("frame_invalid", "not a frame message");
  const length = view.getUint32(4);
  if (length > limits.frameHeaderBytes - prefixBytes)
    throw new WireError("frame_invalid", `frame header claims ${length} bytes, more than its block holds`);
  const frame = decodeHeader(message.subarray(prefixBytes, prefixBytes + length));
  checkGeometry(frame, message.byteLength);
  return { frame, pixels: message.subarray(limits.frameHeaderBytes) };
}

/**
 * The message of a frame whose pixels lie in shared memory: the frame's header and the handle.
 * @throws WireError frame_invalid: the sizes do not match
 */
export function encodeFrameHandle(frame: FrameMetadata, handle: FrameHandle): Uint8Array {
  checkGeometry(frame, limits.frameHeaderBytes + handle.bytes);
  const header = FrameMetadata.encode(frame).finish();
  const arena = encoder.encode(handle.arena);
  const message = new Uint8Array(handlePrefixBytes + arena.byteLength + header.byteLength);
  const view = new DataView(message.buffer);
  view.setUint32(0, handleMagic);
  view.setUint32(4, header.byteLength);
  view.setBigUint64(8, BigInt(handle.offset));
  view.setBigUint64(16, BigInt(handle.generation));
  view.setUint32(24, handle.bytes);
  view.setUint32(28, arena.byteLength);
  message.set(arena, handlePrefixBytes);
  message.set(header, handlePrefixBytes + arena.byteLength);
  return message;
}

/**
 * Reads a frame's message: it gives the pixels as a view of the message, or the handle to find them in shared memory.
 * @throws WireError frame_invalid: the message is neither a complete, valid frame nor a valid handle
 */
export function readFrameAnswer(message: Uint8Array): {
  frame: FrameMetadata;
  pixels: Uint8Array | FrameHandle;
} {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (message.byteLength < handlePrefixBytes || view.getUint32(0) !== handleMagic) return readFrame(message);
  const headerBytes = view.getUint32(4);
  const headerAt = handlePrefixBytes + view.getUint32(28);
  if (message.byteLength !== headerAt + headerBytes)
    throw new WireError(
      "frame_invalid",
      `frame handle of ${message.byteLength} bytes has another length than it says`,
    );
  const pixels = {
    arena: decoder.decode(message.subarray(handlePrefixBytes, headerAt)),
    offset: Number(view.getBigUint64(8)),
    generation: Number(view.getBigUint64(16)),
    bytes: view.getUint32(24),
  };
  const frame = decodeHeader(message.subarray(headerAt));
  checkGeometry(frame, limits.frameHeaderBytes + pixels.bytes);
  return { frame, pixels };
}

function decodeHeader(header: Uint8Array): FrameMetadata {
  try {
    return FrameMetadata.decode(header);
  } catch (cause) {
    throw new WireError("frame_invalid", "frame header cannot be decoded", { cause });
  }
}

function checkGeometry(frame: FrameMetadata, messageBytes: number): void {
  const { width, height, letterbox, pixelFormat: format } = frame;
  if (format !== PixelFormat.GBRP && format !== PixelFormat.I420)
    throw new WireError("frame_invalid", `pixel format ${format} is not known here`);
  if (!(width >= 1 && height >= 1 && width <= limits.maxFrameSide && height <= limits.maxFrameSide))
    throw new WireError(
      "frame_invalid",
      `frame of ${width}x${height}; sides are 1 to ${limits.maxFrameSide}`,
    );
  if (format === PixelFormat.I420 && (width % 2 !== 0 || height % 2 !== 0))
    throw new WireError("frame_invalid", `frame of ${width}x${height}; sides of I420 are even`);
  const bytes = frameMessageBytes(width, height, format);
  if (messageBytes !== bytes)
    throw new WireError(
      "frame_invalid",
      `frame of ${width}x${height} needs ${bytes} bytes, the message has ${messageBytes}`,
    );
  if (messageBytes > limits.maxPayloadBytes)
    throw new WireError(
      "frame_invalid",
      `frame message of ${messageBytes} bytes; the limit is ${limits.maxPayloadBytes}`,
    );
  if (
    !letterbox ||
    letterbox.width < 1 ||
    letterbox.height < 1 ||
    letterbox.left + letterbox.width > width ||
    letterbox.top + letterbox.height > height
  )
    throw new WireError("frame_invalid", "letterbox does not lie within the frame");
}

/** Names one frame in the whole system. */
export interface FrameId {
  /** Camera id. */
  camera: string;
  epoch: string;
  number: number;
}

/** Text form `camera:epoch:number`, used as the Nats-Msg-Id of the frame's detections. */
export function formatFrameId(id: FrameId): string {
  return `${id.camera}:${id.epoch}:${id.number}`;
}

/** Reads the text form; undefined when the text is not a frame id. */
export function parseFrameId(text: string): FrameId | undefined {
  const [camera, epoch, number, ...rest] = text.split(":");
  const n = Number(number);
  if (!camera || !epoch || rest.length > 0 || !Number.isSafeInteger(n) || n < 1) return undefined;
  return { camera, epoch, number: n };
}

/** Builds a detection's message from its box in pixels (left, top, right, bottom) of a picture of the given size. */
export function makeDetection(
  object: {
    classId: number;
    className: string;
    score: number;
    box: readonly [number, number, number, number];
  },
  picture: { width: number; height: number },
): Detection {
  const { classId, className, score } = object;
  const [xMin, yMin, xMax, yMax] = object.box;
  const { width, height } = picture;
  return Detection.fromPartial({
    classId,
    className,
    score,
    pixelBox: { xMin, yMin, xMax, yMax },
    normalizedBox: { xMin: xMin / width, yMin: yMin / height, xMax: xMax / width, yMax: yMax / height },
  });
}
