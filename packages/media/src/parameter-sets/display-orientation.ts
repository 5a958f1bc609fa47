import type { Orientation } from "../display.ts";
import { BitReader } from "./bit-reader.ts";

const displayOrientationType = 47;
/** Far from the types that the standard assigns. */
const reservedType = 254;
/** By quarter turns anticlockwise: for a plain picture, and for one that is mirrored first. */
const turned = [1, 8, 3, 6] as const;
const mirroredAndTurned = [2, 5, 4, 7] as const;

/** The messages of a supplemental information unit (SEI), in H.264 (D.1) and H.265 (D.2). `body`: the bytes after the unit's header. */
export function* supplementalMessages(
  body: Uint8Array,
): Generator<{ at: number; type: number; payload: Uint8Array }> {
  let at = 0;
  const number = (): number => {
    let value = 0;
    while (body[at] === 0xff) {
      value += 255;
      at += 1;
    }
    return value + (body[at++] ?? 0);
  };
  while (at < body.length - 1) {
    const begins = at;
    const type = number();
    const size = number();
    yield { at: begins, type, payload: body.subarray(at, at + size) };
    at += size;
  }
}

/** Hides an orientation message in a supplemental information unit: it gets a type that no decoder knows. */
export function withoutDisplayOrientation(body: Uint8Array): void {
  for (const { at, type } of supplementalMessages(body))
    if (type === displayOrientationType) body[at] = reservedType;
}

/**
 * How pictures must be turned, from a supplemental information unit: cameras that are mounted sideways or upside down send it. Only
 * quarter turns; other angles count as upright. Undefined when the unit does not say.
 */
export function displayOrientation(body: Uint8Array): Orientation | undefined {
  for (const { type, payload } of supplementalMessages(body)) {
    if (type !== displayOrientationType) continue;
    const bits = new BitReader(payload);
    const cancelled = bits.bits(1) === 1;
    if (cancelled) return 1;
    const [across, down] = [bits.bits(1), bits.bits(1)];
    const quarters = bits.bits(16) / 2 ** 14;
    if (bits.exhausted || !Number.isInteger(quarters)) return 1;
    // A vertical flip is a horizontal flip plus a half turn.
    const quarter = (quarters + 2 * down) % 4;
    return across === down ? turned[quarter] : mirroredAndTurned[quarter];
  }
  return undefined;
}
