import { h264Sequence, h265Sequence } from "@sightline/media";
import { type ParameterSets, pictureSize } from "../parameter-sets.ts";
import { boxesIn, findBox, fullBox, mp4Box, u8, u16, u32 } from "./boxes.ts";

const lengthSizeMinusOne = 3;
const profilesWithChroma = new Set([100, 110, 122, 144]);

/** The `stsd` box for a track of these pictures, whose units have a 4-byte length in front. */
export function sampleDescription(sets: ParameterSets): Buffer {
  const { width = 0, height = 0, aspect: [across, down] = [0, 0] } = pictureSize(sets) ?? {};
  const shape = across > 0 && down > 0 && across !== down ? [mp4Box("pasp", u32(across, down))] : [];
  const visual = Buffer.concat([
    ...[Buffer.alloc(6), u16(1), Buffer.alloc(16), u16(width, height), u32(0x480000, 0x480000, 0)],
    ...[u16(1), Buffer.alloc(32), u16(0x18, 0xffff)],
  ]);
  const entry =
    sets.codec === "H264"
      ? mp4Box("avc1", visual, mp4Box("avcC", avcConfiguration(sets)), ...shape)
      : mp4Box("hvc1", visual, mp4Box("hvcC", hevcConfiguration(sets)), ...shape);
  return fullBox("stsd", 0, 0, u32(1), entry);
}

/** The parameter sets in an `stsd` box written by `sampleDescription`; undefined if there are none. */
export function describedSets(stsd: Buffer): ParameterSets | undefined {
  const entry = boxesIn(stsd, 16)[0];
  const configuration =
    entry && findBox(stsd, [entry.type === "avc1" ? "avcC" : "hvcC"], entry.body + 78, entry.end);
  if (!configuration) return undefined;
  let at = configuration.body;
  const byte = () => stsd[at++] ?? 0;
  const sets = (count: number) =>
    Array.from({ length: count }, () => {
      const bytes = byte() * 256 + byte();
      at += bytes;
      return Uint8Array.prototype.slice.call(stsd, at - bytes, at);
    });
  if (entry.type === "avc1") {
    at += 5;
    const sequence = sets(byte() & 0x1f);
    return { codec: "H264", video: [], sequence, picture: sets(byte()) };
  }
  at += 22;
  const found = new Map(Array.from({ length: byte() }, () => [byte() & 0x3f, sets(byte() * 256 + byte())]));
  const [video = [], sequence = [], picture = []] = [32, 33, 34].map((type) => found.get(type));
  return { codec: "H265", video, sequence, picture };
}

/** The codec's name in media types (RFC 6381; ISO/IEC 14496-15, annex E), such as `avc1.640028` or `hvc1.1.6.L93.B0`. */
export function codecName({ codec, sequence }: ParameterSets): string {
  const hex = (value: number) => value.toString(16).toUpperCase();
  const sps = sequence[0]!;
  if (codec === "H264") return `avc1.${Buffer.from(sps.subarray(1, 4)).toString("hex").toUpperCase()}`;
  const [first = 0, ...rest] = h265Sequence(sps)?.profileTierLevel ?? [];
  const space = ["", "A", "B", "C"][first >> 6];
  const tier = (first & 0x20) === 0 ? "L" : "H";
  // Compatibility flags count from the lowest bit here.
  const flags = rest
    .slice(0, 4)
    .flatMap((byte) => [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => (byte << bit) & 0x80));
  const compatibility = flags.reduce((sum, flag, i) => sum + (flag ? 2 ** i : 0), 0);
  const constraints = rest.slice(4, 10);
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [
    `${space}${first & 0x1f}`,
    hex(compatibility),
    `${tier}${rest[10] ?? 0}`,
    ...constraints.map(hex),
  ];
  return `hvc1.${parts.join(".")}`;
}

/** ISO/IEC 14496-15, 5.3.3.1. */
function avcConfiguration({ sequence, picture }: ParameterSets): Buffer {
  const sps = sequence[0]!;
  const sets = (of: readonly Uint8Array[]) => of.flatMap((set) => [u16(set.byteLength), set]);
  const { chromaFormat = 1, bitDepthLuma = 8, bitDepthChroma = 8 } = h264Sequence(sps) ?? {};
  const high = profilesWithChroma.has(sps[1]!)
    ? u8(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0)
    : u8();
  return Buffer.concat([
    ...[u8(1, sps[1]!, sps[2]!, sps[3]!, 0xfc | lengthSizeMinusOne)],
    ...[u8(0xe0 | sequence.length), ...sets(sequence), u8(picture.length), ...sets(picture), high],
  ]);
}

/** ISO/IEC 14496-15, 8.3.3.1. */
function hevcConfiguration({ video, sequence, picture }: ParameterSets): Buffer {
  const sps = h265Sequence(sequence[0]!);
  if (!sps) throw new RangeError("the sequence parameter set cannot be read");
  const layers = (sps.temporalLayers << 3) | (sps.temporalIdNested ? 4 : 0) | lengthSizeMinusOne;
  const arrays = (
    [
      [32, video],
      [33, sequence],
      [34, picture],
    ] as const
  ).filter(([, sets]) => sets.length > 0);
  return Buffer.concat([
    ...[u8(1), sps.profileTierLevel, u16(0xf000), u8(0xfc, 0xfc | sps.chromaFormat)],
    ...[
      u8(0xf8 | (sps.bitDepthLuma - 8), 0xf8 | (sps.bitDepthChroma - 8)),
      u16(0),
      u8(layers, arrays.length),
    ],
    ...arrays.flatMap(([type, sets]) => [
      ...[u8(type), u16(sets.length), ...sets.flatMap((set) => [u16(set.byteLength), set])],
    ]),
  ]);
}
