import { decodeUtf8, JsonTextError, parseJson } from "@sightline/contracts";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../grpc/errors.ts";

/** Takes JSON bodies of which two readers cannot make two things: in UTF-8, and no field twice. */
export function acceptStrictJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser("application/json");
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const refuse = (error: unknown) =>
      done(
        error instanceof JsonTextError
          ? new ApiError("invalid_argument", `the body is not valid: ${error.message}`)
          : (error as Error),
      );
    try {
      const text = decodeUtf8(body as Buffer);
      // First by fastify's own, which also refuses what would change an object's prototype, and quotes nothing.
      parse(request, text, (error, value) => {
        if (error) return done(error);
        parseJson(text);
        done(null, value);
      });
    } catch (error) {
      refuse(error);
    }
  });
}
