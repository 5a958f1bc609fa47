/** A single-precision number without the digits that only its conversion to double precision adds: 0.3, not 0.30000001192092896. */
export function shortFloat(value: number): number {
  return Number(value.toPrecision(7));
}
