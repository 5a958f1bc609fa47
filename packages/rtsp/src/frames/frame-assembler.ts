import { displayOrientation, type Orientation, withoutDisplayOrientation } from "@sightline/media";
import { type NalCodec, nalKind } from "./nal-units.ts";
import { type Payload, readPayload } from "./rtp-payload.ts";

/** One complete compressed picture as a camera sent it. */
export interface CodedFrame {
  /** NAL units with start codes (Annex B). */
  data: Buffer;
  /** RTP ticks since the connection's first frame; negative for pictures that are shown before it. */
  ticks: number;
  /** Whether a decoder can start here. */
  key: boolean;
  /** How this picture and those that depend on it must be turned to be upright; only on pictures where a decoder can start. */
  orientation: Orientation | undefined;
  /** Arrival of its last packet, by performance.now(). */
  arrivedAt: number;
}

const startCode = Buffer.from([0, 0, 0, 1]);
/** More than a picture of any camera. */
const mostBytes = 16 * 1024 * 1024;
/** Room for a usual picture; it grows if the camera's pictures are larger. */
const firstRoom = 64 * 1024;

/**
 * Assembles the RTP packets of one H.264 or H.265 track into pictures. A picture is complete with the packet that has the RTP marker; if
 * the camera's markers are unreliable, it is complete when the next picture begins. In both cases its arrival is the arrival of its own
 * last packet. After a missing packet the rest of a fragmented unit is left out; the decoder conceals what is missing.
 */
export class FrameAssembler {
  readonly #codec: NalCodec;
  /** Whether the camera's orientation messages stay in the pictures, for an ffmpeg that should see them. */
  keepsOrientation = false;
  readonly #emit: (frame: CodedFrame) => void;
  /** The collected data, copied: otherwise a camera with tiny pieces would keep all data between them in memory. */
  #room = Buffer.allocUnsafe(firstRoom);
  #bytes = 0;
  /** Whether the collected data contains coded picture data. */
  #picture = false;
  #key = false;
  /** The last known orientation; some cameras send it only once. */
  #orientation: Orientation = 1;
  #hasParameters: boolean;
  #timestamp = 0;
  #arrivedAt = 0;
  #lastTimestamp: number | undefined;
  #ticks = 0;
  #sequence: number | undefined;
  /** Whether fragments of the current unit are accepted. */
  #inUnit = false;
  /** The previous packet had the marker, and the next one has the same timestamp. */
  #marked = false;
  /** Whether a marker ends a picture: unknown until the first marker, and false for a camera that marks every slice. */
  #markers: "unknown" | "trusted" | "wrong" = "unknown";

  /** `parameterSets`: NAL units from the camera's description; the decoder gets them before the first picture. */
  constructor(codec: NalCodec, parameterSets: readonly Buffer[], emit: (frame: CodedFrame) => void) {
    this.#codec = codec;
    this.#emit = emit;
    this.#hasParameters = parameterSets.length > 0;
    for (const set of parameterSets) {
      this.#add(startCode);
      this.#add(set);
    }
  }

  /** Whether the description or the stream so far contains parameter sets, without which nothing can be decoded. */
  get hasParameters(): boolean {
    return this.#hasParameters;
  }

  /** Takes an RTP packet (RFC 3550). */
  push(packet: Buffer, arrivedAt: number): void {
    const rtp = readPayload(packet);
    if (!rtp) return;
    const follows = this.#sequence === undefined || rtp.sequence === ((this.#sequence + 1) & 0xffff);
    this.#sequence = rtp.sequence;
    if (!follows) {
      this.#inUnit = false;
      this.#marked = false;
    }
    if (rtp.timestamp !== this.#timestamp) {
      this.end();
      this.#timestamp = rtp.timestamp;
      this.#marked = false;
    }
    this.#units(rtp);
    if (this.#bytes > mostBytes) {
      this.#forget();
      this.#room = Buffer.allocUnsafe(firstRoom);
    }
    this.#arrivedAt = arrivedAt;
    this.#marked = rtp.marker;
    if (rtp.marker && this.#markers === "trusted") this.end();
  }

  /** RFC 6184 and RFC 7798: one unit, several in one packet, or a piece of one. */
  #units({ payload }: Payload): void {
    const h264 = this.#codec === "H264";
    const head = h264 ? 1 : 2;
    if (payload.length <= head) return;
    const type = h264 ? payload[0]! & 0x1f : (payload[0]! >> 1) & 0x3f;
    if (type === (h264 ? 24 : 48)) {
      for (let at = head; at + 2 < payload.length; ) {
        const end = at + 2 + payload.readUInt16BE(at);
        if (end > payload.length) return;
        this.#unit(payload.subarray(at + 2, end));
        at = end;
      }
    } else if (type === (h264 ? 28 : 49)) this.#fragment(payload, head);
    else if (h264 ? type > 0 && type < 24 : type < 48) this.#unit(payload);
  }

  #fragment(payload: Buffer, head: number): void {
    const flags = payload[head]!;
    const rest = payload.subarray(head + 1);
    if (flags & 0x80) {
      const begin =
        head === 1
          ? Buffer.from([(payload[0]! & 0xe0) | (flags & 0x1f)])
          : Buffer.from([(payload[0]! & 0x81) | ((flags & 0x3f) << 1), payload[1]!]);
      this.#begin(begin, rest);
      this.#add(begin);
      this.#inUnit = true;
    }
    if (this.#inUnit) this.#add(rest);
  }

  #unit(unit: Buffer): void {
    const head = this.#codec === "H264" ? 1 : 2;
    if (unit.length <= head) return;
    const isSupplemental = this.#begin(unit, unit.subarray(head));
    const begins = this.#bytes + head;
    this.#add(unit);
    // Some versions of ffmpeg restart their filters, and with them the sampler, when one picture has an orientation message and the next
    // does not.
    if (isSupplemental && !this.keepsOrientation)
      withoutDisplayOrientation(this.#room.subarray(begins, this.#bytes));
    this.#inUnit = false;
  }

  /** A unit with this header begins, followed by this data; returns whether it is supplemental information. */
  #begin(header: Buffer, body: Buffer): boolean {
    const { picture, first, key, precedes, parameters, supplemental } = nalKind(this.#codec, header, body);
    if (this.#marked && picture && !first) this.#markers = "wrong";
    if (this.#picture && (precedes || (picture && first))) this.end();
    this.#marked = false;
    this.#picture ||= picture;
    this.#key ||= key;
    this.#hasParameters ||= parameters;
    if (supplemental) this.#orientation = displayOrientation(body) ?? this.#orientation;
    this.#add(startCode);
    return supplemental;
  }

  #add(piece: Buffer): void {
    const end = this.#bytes + piece.length;
    if (end > this.#room.length) {
      const larger = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(end)));
      this.#room.copy(larger, 0, 0, this.#bytes);
      this.#room = larger;
    }
    piece.copy(this.#room, this.#bytes);
    this.#bytes = end;
  }

  /** The ticks (the unit of the pictures) for a timestamp that the camera names; undefined before the first picture. */
  ticksAt(timestamp: number): number | undefined {
    const last = this.#lastTimestamp;
    return last === undefined ? undefined : this.#ticks + ((timestamp - last) | 0);
  }

  /** Emits the collected picture, since nothing more of it will come; units that belong before the next picture are kept for it. */
  end(): void {
    if (!this.#picture) return;
    if (this.#marked && this.#markers === "unknown") this.#markers = "trusted";
    const data = Buffer.from(this.#room.subarray(0, this.#bytes));
    const [key, arrivedAt] = [this.#key, this.#arrivedAt];
    const frame = {
      data,
      ticks: this.#unwrap(),
      key,
      orientation: key ? this.#orientation : undefined,
      arrivedAt,
    };
    this.#forget();
    this.#emit(frame);
  }

  #forget(): void {
    this.#bytes = 0;
    this.#picture = false;
    this.#key = false;
    this.#inUnit = false;
  }

  /** RTP's 32-bit timestamps wrap around; the shorter direction is taken. */
  #unwrap(): number {
    this.#ticks += (this.#timestamp - (this.#lastTimestamp ?? this.#timestamp)) | 0;
    this.#lastTimestamp = this.#timestamp;
    return this.#ticks;
  }
}
