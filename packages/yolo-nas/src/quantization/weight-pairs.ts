/** Processors without VNNI add two neighbouring products of u8 × s8 in int16, which clips above 32767. */

/** Two neighbouring weights of one sign may sum to this much: 255 × 128 = 32640. */
export const LARGEST_PAIR = 128;

/** The most, in magnitude, that two weights add up to when each is multiplied by something between 0 and 1. */
export function sameSign(a: number, b: number): number {
  return Math.max(Math.max(a, 0) + Math.max(b, 0), -(Math.min(a, 0) + Math.min(b, 0)));
}

/** Where the k-th weight that a channels-last kernel multiplies lies: taps in turn, input channels inside. */
export function kernelOrder(size: number, taps: number): Int32Array {
  const inputs = size / taps;
  return Int32Array.from({ length: size }, (_, k) => (k % inputs) * taps + Math.floor(k / inputs));
}
