import { CameraReason } from "@sightline/contracts";
import { faultError } from "../camera-fault.ts";

const mostHeadBytes = 16 * 1024;
/** More than a picture of any camera. */
const mostPictureBytes = 16 * 1024 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

/**
 * Extracts the JPEG pictures from a `multipart/x-mixed-replace` body (RFC 2046, 5.1), split anywhere. A part with a length is complete
 * with its last byte; any other part when the next one begins.
 */
export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #emit: (jpeg: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the current part; -1 if it has no length, undefined between two parts. */
  #length: number | undefined;
  /** Minimum number of bytes before it is worth looking again. */
  #wanted = 0;

  /** `boundary` from the content type: some cameras put the two dashes there, some before the parts, some in both places. */
  constructor(boundary: string, emit: (jpeg: Buffer) => void) {
    this.#delimiter = Buffer.from(`--${boundary.replace(/^--/, "")}`, "latin1");
    this.#emit = emit;
  }

  /** @throws CameraFaultError for data that cannot be a stream of pictures */
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

  /** Takes a head or a body; returns the number of bytes taken, 0 when there are not enough. */
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
    // A part that is not a JPEG is ignored.
    if (body.length > 4 && body.readUInt16BE(0) === 0xffd8) this.#emit(Buffer.from(body));
    return taken;
  }
}

function tooLarge(what: string) {
  return faultError(CameraReason.PROTOCOL_ERROR, `${what} is larger than that of any camera`);
}
