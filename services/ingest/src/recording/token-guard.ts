import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpServer } from "@sightline/service";

/** A request that cannot be answered as it is. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Answers only those who know the token, and tells what was refused and why. */
export function guardByToken(scope: HttpServer["app"], token: string): void {
  const expected = digest(`Bearer ${token}`);
  scope.addHook("onRequest", async ({ headers }) => {
    if (!timingSafeEqual(digest(headers.authorization ?? ""), expected))
      throw new RefusedError(401, "unauthenticated", "the token of this ingest is needed");
  });
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof RefusedError)) throw error;
    return reply.code(error.status).send({ code: error.code, message: error.message });
  });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
