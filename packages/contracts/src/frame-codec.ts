import { FrameMetadata, PixelFormat } from "./gen/sightline/v1/frame.ts";
import { limits } from "./limits.ts";

/** A frame message that breaks the format or a bound. */
export class FrameCodecError extends Error {
  override readonly name = "FrameCodecError";
}

const magic = 0x534c4631; // "SLF1"
const prefixBytes = 8;

/** Bytes of a frame message: the header block and the pixels of three 8-bit planes. */
export function frameMessageBytes(width: number, height: number): number {
  return limits.frameHeaderBytes + 3 * width * height;
}

/**
 * Writes the header block in front of the pixels, in place: `message` holds limits.frameHeaderBytes free bytes,
 * then 3 × width × height bytes of pixels. In place, because a frame is half a megabyte and this runs for each.
 * @throws FrameCodecError when sizes do not agree or the header does not fit
 */
export function writeFrameHeader(message: Uint8Array, frame: FrameMetadata): void {
  checkGeometry(frame, message.byteLength);
  const header = FrameMetadata.encode(frame).finish();
  if (header.byteLength > limits.frameHeaderBytes - prefixBytes)
    throw new FrameCodecError(`frame header of ${header.byteLength} bytes does not fit its block`);
  const view = new DataView(message.buffer, message.byteOffset);
  view.setUint32(0, magic);
  view.setUint32(4, header.byteLength);
  message.set(header, prefixBytes);
}

/**
 * Reads a frame message. `pixels` is a view of `message`, not a copy.
 * @throws FrameCodecError when the message is not a whole, valid frame
 */
export function readFrame(message: Uint8Array): { frame: FrameMetadata; pixels: Uint8Array } {
  if (message.byteLength < limits.frameHeaderBytes)
    throw new FrameCodecError(
      `frame message of ${message.byteLength} bytes is shorter than its header block`,
    );
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (view.getUint32(0) !== magic) throw new FrameCodecError("not a frame message");
  const length = view.getUint32(4);
  if (length > limits.frameHeaderBytes - prefixBytes)
    throw new FrameCodecError(`frame header claims ${length} bytes, more than its block holds`);
  let frame: FrameMetadata;
  try {
    frame = FrameMetadata.decode(message.subarray(prefixBytes, prefixBytes + length));
  } catch (cause) {
    throw new FrameCodecError("frame header cannot be decoded", { cause });
  }
  checkGeometry(frame, message.byteLength);
  return { frame, pixels: message.subarray(limits.frameHeaderBytes) };
}

function checkGeometry(frame: FrameMetadata, messageBytes: number): void {
  const { width, height, letterbox } = frame;
  if (frame.pixelFormat !== PixelFormat.GBRP)
    throw new FrameCodecError(`pixel format ${frame.pixelFormat} is not known here`);
  if (!(width >= 1 && height >= 1 && width <= limits.maxFrameSide && height <= limits.maxFrameSide))
    throw new FrameCodecError(`frame of ${width}x${height}; sides are 1 to ${limits.maxFrameSide}`);
  if (messageBytes !== frameMessageBytes(width, height))
    throw new FrameCodecError(
      `frame of ${width}x${height} needs ${frameMessageBytes(width, height)} bytes, the message has ${messageBytes}`,
    );
  if (messageBytes > limits.maxPayloadBytes)
    throw new FrameCodecError(
      `frame message of ${messageBytes} bytes; the limit is ${limits.maxPayloadBytes}`,
    );
  if (
    !letterbox ||
    letterbox.width < 1 ||
    letterbox.height < 1 ||
    letterbox.left + letterbox.width > width ||
    letterbox.top + letterbox.height > height
  )
    throw new FrameCodecError("letterbox does not lie within the frame");
}
