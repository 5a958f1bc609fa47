import { h264Sequence, h265Sequence, type PixelAspect } from "@sightline/media";
import { nalUnits, type RecordedCodec, unitType } from "./coded-picture.ts";

/** The current parameter sets: NAL units without start codes. */
export interface ParameterSets {
  codec: RecordedCodec;
  /** Empty for H.264. */
  video: readonly Uint8Array[];
  sequence: readonly Uint8Array[];
  picture: readonly Uint8Array[];
}

/** The stored picture's size and pixel aspect; zeros if unknown. */
export interface PictureSize {
  width: number;
  height: number;
  aspect: PixelAspect;
}

const kinds: Readonly<Record<RecordedCodec, Readonly<Record<number, "video" | "sequence" | "picture">>>> = {
  H264: { 7: "sequence", 8: "picture" },
  H265: { 32: "video", 33: "sequence", 34: "picture" },
};
/** More sets of one kind than any camera has. */
const mostSets = 8;
/** More than any parameter set, and less than a file's description can hold. */
const mostSetBytes = 4096;
/** More than a side of any camera's picture. */
const mostSide = 16_384;

/** The sets of a key picture; missing ones are taken from `before`. Undefined while they are not enough for decoding. */
export function parameterSetsOf(
  codec: RecordedCodec,
  data: Uint8Array,
  before: ParameterSets | undefined,
): ParameterSets | undefined {
  const found = { video: [] as Uint8Array[], sequence: [] as Uint8Array[], picture: [] as Uint8Array[] };
  for (const { start, end } of nalUnits(data)) {
    const kind = kinds[codec][unitType(codec, data[start]!)];
    if (!kind || found[kind].length >= mostSets || end - start > mostSetBytes) continue;
    // A copy: otherwise it would keep the whole picture in memory.
    const set = data.slice(start, end);
    // A connection's first picture may contain its sets twice: from the description and from the stream.
    if (!found[kind].some((known) => Buffer.compare(known, set) === 0)) found[kind].push(set);
  }
  const choose = (kind: keyof typeof found) =>
    found[kind].length > 0 ? found[kind] : (before?.[kind] ?? []);
  const sets = { codec, video: choose("video"), sequence: choose("sequence"), picture: choose("picture") };
  if (sets.sequence.length === 0 || sets.picture.length === 0) return undefined;
  if (before && sameSets(before, sets)) return before;
  return pictureSize(sets) ? sets : undefined;
}

/** The size of the pictures that the sets describe; undefined when they cannot be read. */
export function pictureSize({ codec, sequence }: ParameterSets): PictureSize | undefined {
  const [first] = sequence;
  const found = first && (codec === "H264" ? h264Sequence(first) : h265Sequence(first));
  const isSide = (pixels: number) => pixels >= 1 && pixels <= mostSide;
  return found && isSide(found.width) && isSide(found.height) ? found : undefined;
}

/** The sets in the form for a stream, with start codes. */
export function annexB({ video, sequence, picture }: ParameterSets): Buffer {
  const startCode = Buffer.from([0, 0, 0, 1]);
  return Buffer.concat([...video, ...sequence, ...picture].flatMap((set) => [startCode, set]));
}

function sameSets(a: ParameterSets, b: ParameterSets): boolean {
  return (
    a.codec === b.codec && (["video", "sequence", "picture"] as const).every((kind) => same(a[kind], b[kind]))
  );
}

function same(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((set, i) => Buffer.compare(set, b[i]!) === 0);
}
