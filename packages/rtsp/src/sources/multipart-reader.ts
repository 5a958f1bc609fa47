import { CameraReason } from "@sightline/contracts";
import { faultError } from "../camera-fault.ts";

const mostHeadBytes = 16 * 1024;
/** More than a picture of any camera. */
const mostPictureBytes = 16 * 1024 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

/**
 * Takes the JPEG pictures out of a `multipart/x-mixed-replace` body (RFC 2046, 5.1), cut anywhere. A part that says its length is whole
 * with its last byte; another when the next begins.
 */
export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #emit: (jpeg: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the part that is read, -1 when it does not say, undefined between two parts. */
  #length: number | undefined;
  /** Bytes without which looking again is no use. */
  #wanted = 0;

  /** `boundary` as the content type has it: some cameras put its two dashes there, some in front of the parts, some in both. */
  constructor(boundary: string, emit: (jpeg: Buffer) => void) {
    this.#delimiter = Buffer.from(`--${boundary.replace(/^--/, "")}`, "latin1");
    this.#emit = emit;
  }

  /** @throws CameraFaultError for what cannot be a stream of pictures */
  write(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    let data = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    this.#wanted = 0;
    for (let taken = this.#take(data); taken > 0; taken = this.#take(data)) data = data.subarray(taken);
    this.#pieces = [data];
    this.#bytes = data.length;
  }

  /** Takes a head or a body; the bytes that it took, 0 when there is not enough. */
  #take(data: Buffer): number {
    if (this.#length === undefined) {
      const end = data.indexOf(headEnd);
      if (end < 0) {
        if (data.length > mostHeadBytes) throw tooLarge("a part's head");
        return 0;
      }
      const length = Number(
        /^content-length:\s*(\d{1,9})\s*$/im.exec(data.toString("latin1", 0, end))?.[1] ?? -1,
      );
      if (length > mostPictureBytes) throw tooLarge("a picture");
      this.#length = length;
      return end + headEnd.length;
    }
    if (this.#length >= 0) {
      this.#wanted = this.#length;
      if (data.length < this.#length) return 0;
      return this.#part(data.subarray(0, this.#length), this.#length);
    }
    const end = data.indexOf(this.#delimiter);
    if (end >= 0) return this.#part(data.subarray(0, end), end);
    if (data.length > mostPictureBytes) throw tooLarge("a picture");
    return 0;
  }

  #part(body: Buffer, taken: number): number {
    this.#length = undefined;
    this.#wanted = 0;
    // Whatever else a part may hold is no picture.
    if (body.length > 4 && body.readUInt16BE(0) === 0xffd8) this.#emit(Buffer.from(body));
    return taken;
  }
}

function tooLarge(what: string) {
  return faultError(CameraReason.PROTOCOL_ERROR, `${what} is larger than that of any camera`);
}
