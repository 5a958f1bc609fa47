import { type CodedPicture, nalUnits, type RecordedCodec, unitType } from "./coded-picture.ts";
import { annexB, type ParameterSets, parameterSetsOf } from "./parameter-sets.ts";

/** Memory per picture besides its data: it limits the number of tiny pictures. */
const pictureOverheadBytes = 256;

export interface RecentPicturesLimits {
  /** How long a picture is kept, in milliseconds; pictures that others need for decoding are kept longer. */
  maxAgeMs: number;
  /** Limit for one camera, in bytes. */
  cameraBytes: () => number;
}

/** From a key picture to the picture before the next key picture. */
interface Group {
  pictures: CodedPicture[];
  sets: ParameterSets | undefined;
  bytes: number;
}

/** Everything that a decoder needs for one picture. */
export interface Decodable {
  codec: RecordedCodec;
  /** From a key picture on, in decoding order; the last one is the wanted picture. */
  pictures: readonly CodedPicture[];
  /** To be decoded before the first picture; with start codes. */
  parameterSets: Uint8Array;
}

/** The recent compressed pictures of a camera's connection, starting with a key picture. */
export class RecentPictures {
  readonly #codec: RecordedCodec;
  readonly #limits: RecentPicturesLimits;
  /** Oldest first; the last group is still growing. */
  #groups: Group[] = [];
  #sets: ParameterSets | undefined;
  #bytes = 0;

  constructor(codec: RecordedCodec, limits: RecentPicturesLimits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the next picture, whose memory must not change later. */
  push(picture: CodedPicture): void {
    if (picture.key || !this.#sets) this.#sets = parameterSetsOf(this.#codec, picture.data, this.#sets);
    if (picture.key) this.#groups.push({ pictures: [], sets: this.#sets, bytes: 0 });
    const group = this.#groups.at(-1);
    if (!group) return;
    group.pictures.push(picture);
    const bytes = picture.data.byteLength + pictureOverheadBytes;
    group.bytes += bytes;
    this.#bytes += bytes;
    const { maxAgeMs } = this.#limits;
    const most = this.#limits.cameraBytes();
    for (let next = this.#groups[1]; this.#groups.length > 0; next = this.#groups[1]) {
      const isOld = next !== undefined && picture.arrivedAt - next.pictures[0]!.arrivedAt > maxAgeMs;
      if (!isOld && this.#bytes <= most) break;
      this.#bytes -= this.#groups.shift()!.bytes;
    }
  }

  /** From the newest key picture on. */
  newest(): readonly CodedPicture[] {
    return this.#groups.at(-1)?.pictures ?? [];
  }

  /** The pictures needed to decode the one that arrived at this time; undefined when it is no longer kept. */
  find(arrivedAt: number): Decodable | undefined {
    for (const { pictures, sets } of this.#groups) {
      const index = pictures.findIndex((picture) => picture.arrivedAt === arrivedAt);
      const wanted = pictures[index];
      if (!wanted) continue;
      if (!sets) return undefined;
      const needed = pictures
        .slice(0, index)
        .filter((picture) => picture.key || isReference(this.#codec, picture.data));
      return { codec: this.#codec, pictures: [...needed, wanted], parameterSets: annexB(sets) };
    }
    return undefined;
  }
}

/** Whether other pictures may depend on this one (H.264, 7.4.1; H.265, 7.4.2.2). All temporal layers of H.265 count. */
export function isReference(codec: RecordedCodec, data: Uint8Array): boolean {
  for (const { start } of nalUnits(data)) {
    const [first, second] = [data[start]!, data[start + 1]!];
    const type = unitType(codec, first);
    if (codec === "H264" && type >= 1 && type <= 5) return (first & 0x60) !== 0;
    if (codec === "H265" && type < 32) return type >= 16 || type % 2 === 1 || (second & 7) > 1;
  }
  return true;
}
