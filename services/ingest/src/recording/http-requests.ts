import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpServer } from "@sightline/service";
import { RefusedError } from "../errors.ts";

/** Answers only clients that know the token, and tells what was refused and why. */
export function guardByToken(scope: HttpServer["app"], token: string): void {
  const expected = digest(`Bearer ${token}`);
  scope.addHook("onRequest", async ({ headers }) => {
    if (!timingSafeEqual(digest(headers.authorization ?? ""), expected))
      throw new RefusedError("unauthenticated", "this request needs the token of this ingest");
  });
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof RefusedError)) throw error;
    return reply.code(error.status).send({ code: error.code, message: error.message });
  });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Bytes from `start` up to, but not including, `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a `Range` header requests of something of `bytes` bytes (RFC 9110, 14.1.2): undefined means all of it, also for
 * several ranges or another unit; "unsatisfiable" when the range lies behind the end.
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
