/** Bytes from `start` up to and without `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a `Range` header asks for of something of `bytes` bytes (RFC 9110, 14.1.2): undefined for all, which several ranges or another unit
 * mean too; "unsatisfiable" when it lies behind the end.
 */
export function byteRange(
  header: string | undefined,
  bytes: number,
): ByteRange | undefined | "unsatisfiable" {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const start = Math.max(0, bytes - Number(last));
    return Number(last) === 0 || bytes === 0 ? "unsatisfiable" : { start, end: bytes };
  }
  const start = Number(first);
  const end = last === "" ? bytes : Math.min(bytes, Number(last) + 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= bytes ? "unsatisfiable" : { start, end };
}
