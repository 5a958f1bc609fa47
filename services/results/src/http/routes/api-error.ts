import { httpErrorSchema } from "@sightline/contracts";
import { z } from "zod";

/** Possible answers of every route besides its success, for the OpenAPI document. */
export const errorAnswers = {
  "4xx": httpErrorSchema.describe("The request was refused; `code` says why."),
  "5xx": httpErrorSchema.describe("The server could not do it; `code` says why."),
};

/** Path parameters with a camera. */
export const cameraParams = z.object({ camera: z.string().max(63).describe("Id of the camera.") });

/** Etag of an If-Match header; empty when there is none, or it is `*`. */
export function etagOfIfMatch(ifMatch: string | undefined): string {
  if (ifMatch === undefined || ifMatch.trim() === "*") return "";
  return ifMatch
    .trim()
    .replace(/^W\//, "")
    .replace(/^"(.*)"$/, "$1");
}

/** Headers of a conditional write. */
export const conditional = z.object({
  "if-match": z.string().max(64).optional().describe("Etag that must still be the newest."),
});

/** One or several values of a name in the query string; an empty one counts as none. */
export const names = z
  .union([z.string(), z.array(z.string()).max(100)])
  .transform((value) => (Array.isArray(value) ? value : [value]).filter((name) => name !== ""))
  .default([]);

const trueOrFalse = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"] });
/** A flag in a query string; default: false. */
export const flag = trueOrFalse.default(false);
/** A flag in a query string; default: true. */
export const flagSet = trueOrFalse.default(true);

/** A time in a query string. */
export const time = z.iso.datetime({ offset: true, error: "expected a time such as 2026-03-01T08:00:00Z" });

/** A whole number in a query string. */
export function numberParam(min: number, max: number) {
  const error = `expected a number from ${min} to ${max}`;
  return z.coerce.number({ error }).min(min, { error }).max(max, { error }).default(min);
}

export function wholeNumberParam(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** A picture in the OpenAPI document; the answer contains the picture's bytes. */
export const jpegAnswer = {
  description: "The picture.",
  content: { "image/jpeg": { schema: z.any().meta({ contentMediaType: "image/jpeg" }) } },
};
