import { decodeUtf8, parseJson, WireError } from "@sightline/contracts";
import type { FastifyInstance, FastifySchemaCompiler } from "fastify";
import { validatorCompiler } from "fastify-type-provider-zod";
import type { z } from "zod";
import { ApiError } from "../errors.ts";

/** Accepts only JSON bodies that every reader understands in the same way: in UTF-8, and no field twice. */
export function acceptStrictJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser("application/json");
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const refuse = (error: unknown) =>
      done(
        error instanceof WireError
          ? new ApiError("invalid_argument", `the body is not valid: ${error.message}`)
          : (error as Error),
      );
    try {
      const text = decodeUtf8(body as Buffer);
      // First with fastify's own parser, which also refuses changes of an object's prototype and does not quote the text.
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

/** For routes whose handler itself checks the body, so that faults of form and of values are reported together. */
export const bodyIsCheckedLater: FastifySchemaCompiler<unknown> = (route) =>
  route.httpPart === "body" ? (data: unknown) => ({ value: data }) : validatorCompiler(route as never);

/** The fields of a body with a valid form, and the faults of the others. */
export interface BodyFields<T> {
  readonly fields: Partial<T>;
  readonly faults: readonly ApiError[];
  /** Names of the fields that a fault keeps out of `fields`. */
  readonly faulty: ReadonlySet<string>;
}

/** Most faults reported for one request. */
const maxFaults = 20;

/** @throws ApiError invalid_argument when the body is not an object */
export function readFields<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  body: unknown,
): BodyFields<z.infer<z.ZodObject<Shape>>> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { fields: parsed.data as never, faults: [], faulty: new Set() };
  const { issues } = parsed.error;
  const faults = issues
    .slice(0, maxFaults)
    .map(
      ({ path, message }) =>
        new ApiError("invalid_argument", `${["body", ...path.map(String)].join(".")}: ${message}`),
    );
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw faults[0];
  const faulty = new Set(issues.flatMap(({ path }) => (path[0] === undefined ? [] : [String(path[0])])));
  const rest = Object.entries(body).filter(([name]) => name in schema.shape && !faulty.has(name));
  return { fields: schema.partial().parse(Object.fromEntries(rest)) as never, faults, faulty };
}
