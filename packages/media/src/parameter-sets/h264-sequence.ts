import type { PixelAspect } from "../display.ts";
import { BitReader } from "./bit-reader.ts";

/** Profiles whose parameter set contains the chroma format (H.264, 7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Pixel aspects by their index (ISO/IEC 14496-10, table E-1). */
const aspects: readonly PixelAspect[] = [
  ...([
    [0, 0],
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
    [24, 11],
    [20, 11],
    [32, 11],
  ] as const),
  ...([
    [80, 33],
    [18, 11],
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ] as const),
];
const ownAspect = 255;

/** The picture that a sequence parameter set describes: stored pixels, without the cropped area. */
export interface CodedSequence {
  width: number;
  height: number;
  /** Zeros if the set does not say, or it is not read. */
  aspect: PixelAspect;
  /** ISO/IEC 14496-10, table 6-1. */
  chromaFormat: number;
  bitDepthLuma: number;
  bitDepthChroma: number;
  /** Only H.264: no picture is interlaced. */
  framesOnly?: boolean;
}

/**
 * Reads an H.264 sequence parameter set (ISO/IEC 14496-10, 7.3.2.1.1), where `nal` is the NAL unit with its header byte. Undefined when
 * it is invalid or cut short.
 */
export function h264Sequence(nal: Uint8Array): CodedSequence | undefined {
  if (((nal[0] ?? 0) & 0x1f) !== 7 || nal.length < 4) return undefined;
  const bits = new BitReader(nal.subarray(1));
  const profile = bits.bits(8);
  bits.bits(16);
  bits.unsigned();
  let chroma = 1;
  let [bitDepthLuma, bitDepthChroma] = [8, 8];
  if (highProfiles.has(profile)) {
    chroma = bits.unsigned();
    if (chroma === 3 && bits.bits(1) === 1) chroma = 0;
    bitDepthLuma += bits.unsigned();
    bitDepthChroma += bits.unsigned();
    bits.bits(1);
    if (bits.bits(1) === 1) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  bits.unsigned();
  skipPictureOrder(bits);
  bits.unsigned();
  bits.bits(1);
  const columns = bits.unsigned() + 1;
  const mapRows = bits.unsigned() + 1;
  const frameOnly = bits.bits(1);
  if (frameOnly === 0) bits.bits(1);
  bits.bits(1);
  const cropped = bits.bits(1) === 1;
  const [left, right, top, bottom] = cropped
    ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()]
    : [0, 0, 0, 0];
  if (bits.exhausted) return undefined;
  const aspect = pixelAspect(bits);
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frameOnly);
  const width = columns * 16 - unitX * (left + right);
  const height = (2 - frameOnly) * mapRows * 16 - unitY * (top + bottom);
  const framesOnly = frameOnly === 1;
  return { width, height, aspect, chromaFormat: chroma, bitDepthLuma, bitDepthChroma, framesOnly };
}

/** Pixel aspect from the usability information after the picture's size (E.1.1). */
function pixelAspect(bits: BitReader): PixelAspect {
  const present = bits.bits(1) === 1 && bits.bits(1) === 1;
  const number = present ? bits.bits(8) : 0;
  const aspect = number === ownAspect ? ([bits.bits(16), bits.bits(16)] as const) : aspects[number];
  return bits.exhausted ? [0, 0] : (aspect ?? [0, 0]);
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.unsigned();
  if (type === 0) bits.unsigned();
  if (type !== 1) return;
  bits.bits(1);
  bits.unsigned();
  bits.unsigned();
  for (let count = bits.unsigned(); count > 0 && !bits.exhausted; count--) bits.unsigned();
}

function skipScalingLists(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (bits.bits(1) === 0) continue;
    let [last, next] = [8, 8];
    for (let index = 0; index < (list < 6 ? 16 : 64); index++) {
      if (next !== 0) next = (last + bits.signed() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}
