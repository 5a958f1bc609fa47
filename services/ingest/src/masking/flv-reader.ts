/** One coded picture of an FLV stream. */
export interface FlvPicture {
  /** NAL units with start codes (Annex B); key pictures begin with the parameter sets. */
  data: Buffer;
  key: boolean;
  /** The stream's own time, in the stream's unit. */
  time: number;
}

const headerBytes = 9 + 4;
const tagBytes = 11;
const videoTag = 9;
const startCode = Buffer.from([0, 0, 0, 1]);

/**
 * Extracts the H.264 pictures from an FLV stream (Adobe FLV 10.1, annex E) that comes in pieces of any size. FLV gives each
 * picture's length first, so a picture is complete without waiting for the next one.
 */
export class FlvReader {
  readonly #emit: (picture: FlvPicture) => void;
  #rest: Buffer = Buffer.alloc(0);
  #hasHeader = false;
  #sets: Buffer = Buffer.alloc(0);

  constructor(emit: (picture: FlvPicture) => void) {
    this.#emit = emit;
  }

  write(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#hasHeader && data.length >= headerBytes) {
      data = data.subarray(headerBytes);
      this.#hasHeader = true;
    }
    while (this.#hasHeader && data.length >= tagBytes) {
      const bytes = data.readUIntBE(1, 3);
      // The tag's length is repeated after the tag.
      const end = tagBytes + bytes + 4;
      if (data.length < end) break;
      const time = data.readUIntBE(4, 3) + data[7]! * 2 ** 24;
      if ((data[0]! & 0x1f) === videoTag) this.#video(data.subarray(tagBytes, end - 4), time);
      data = data.subarray(end);
    }
    this.#rest = data;
  }

  /** E.4.3: frame type and codec, packet type, composition time, data. */
  #video(body: Buffer, time: number): void {
    if (body.length < 5) return;
    const kind = body[1];
    if (kind === 0) this.#sets = parameterSets(body.subarray(5));
    else if (kind === 1) {
      const key = body[0]! >> 4 === 1;
      const units = withStartCodes(body.subarray(5));
      this.#emit({ data: key ? Buffer.concat([this.#sets, units]) : units, key, time });
    }
  }
}

/** From an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1). */
function parameterSets(record: Buffer): Buffer {
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[at] ?? 0) & mask;
    at += 1;
    for (let i = 0; i < count; i++) {
      const length = record.readUInt16BE(at);
      sets.push(startCode, record.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return Buffer.concat(sets);
}

/** Lengths of 4 bytes become start codes of 4 bytes. */
function withStartCodes(units: Buffer): Buffer {
  const data = Buffer.from(units);
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt32BE(at);
    startCode.copy(data, at);
    at += 4 + length;
  }
  return data;
}
