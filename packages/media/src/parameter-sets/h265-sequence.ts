import { BitReader } from "./bit-reader.ts";
import type { CodedSequence } from "./h264-sequence.ts";

/** The picture of an H.265 sequence parameter set, and the fields that a decoder's configuration repeats. */
export interface H265Sequence extends CodedSequence {
  /** general_profile_space to general_level_idc, 12 bytes (ITU-T H.265, 7.3.3). */
  profileTierLevel: Uint8Array;
  temporalLayers: number;
  temporalIdNested: boolean;
}

const profileTierLevelBytes = 12;
const mostTemporalLayers = 7;

/**
 * Reads an H.265 sequence parameter set (ITU-T H.265, 7.3.2.2.1), where `nal` is the NAL unit with its two header bytes. The pixel aspect
 * is not read. Undefined when it is invalid or cut short.
 */
export function h265Sequence(nal: Uint8Array): H265Sequence | undefined {
  if ((((nal[0] ?? 0) >> 1) & 0x3f) !== 33 || nal.length < 16) return undefined;
  const bits = new BitReader(nal.subarray(2));
  bits.skip(4);
  const temporalLayers = bits.bits(3) + 1;
  const temporalIdNested = bits.bits(1) === 1;
  const profileTierLevel = Uint8Array.from({ length: profileTierLevelBytes }, () => bits.bits(8));
  if (temporalLayers > mostTemporalLayers) return undefined;
  skipSubLayers(bits, temporalLayers - 1);
  bits.unsigned();
  const chromaFormat = bits.unsigned();
  if (chromaFormat === 3) bits.skip(1);
  const [width, height] = [bits.unsigned(), bits.unsigned()];
  const cropped = bits.bits(1) === 1;
  const [left, right, top, bottom] = cropped
    ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()]
    : [0, 0, 0, 0];
  const [bitDepthLuma, bitDepthChroma] = [8 + bits.unsigned(), 8 + bits.unsigned()];
  if (bits.exhausted) return undefined;
  const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const unitY = chromaFormat === 1 ? 2 : 1;
  return {
    width: width - unitX * (left + right),
    height: height - unitY * (top + bottom),
    aspect: [0, 0],
    ...{ chromaFormat, bitDepthLuma, bitDepthChroma, profileTierLevel, temporalLayers, temporalIdNested },
  };
}

function skipSubLayers(bits: BitReader, layers: number): void {
  const present = Array.from({ length: layers }, () => ({ profile: bits.bits(1), level: bits.bits(1) }));
  if (layers > 0) bits.skip(2 * (8 - layers));
  for (const { profile, level } of present) bits.skip(88 * profile + 8 * level);
}
