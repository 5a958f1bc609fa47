import { nameHint } from "@sightline/service";
import type { FastifyInstance, RouteOptions } from "fastify";
import { z } from "zod";
import { ApiError } from "../errors.ts";

/** Names of the same parameters in the gRPC API, the command line or elsewhere, in lower case. */
const otherNames: Record<string, string> = {
  after: "from",
  since: "from",
  start: "from",
  starttime: "from",
  before: "to",
  end: "to",
  endtime: "to",
  until: "to",
  label: "class",
  limit: "pageSize",
  size: "pageSize",
  cursor: "pageToken",
  token: "pageToken",
};

/**
 * Refuses query parameters that a route does not have: a misspelled one would have no effect, and a list without its filter looks like one
 * with it.
 */
export function refuseUnknownQuery(scope: FastifyInstance): void {
  const known = new Map<string, readonly string[] | undefined>();
  const key = (method: unknown, url: unknown) => `${method} ${url}`;
  scope.addHook("onRoute", ({ method, url, schema }: RouteOptions) => {
    for (const each of [method].flat()) known.set(key(each, url), parametersOf(schema?.querystring));
  });
  scope.addHook("preValidation", async ({ method, routeOptions, query }) => {
    const route = key(method, routeOptions.url);
    const names = known.has(route) ? known.get(route) : [];
    if (!names) return;
    const faults = Object.keys(query as object)
      .filter((name) => !names.includes(name))
      .map((name) => faultText(name, names));
    if (faults.length > 0) throw new ApiError("invalid_argument", faults.slice(0, maxFaults).join("\n"));
  });
}

/** The names in a route's zod schema; undefined when it accepts any. */
function parametersOf(schema: unknown): string[] | undefined {
  if (schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodUnknown) return undefined;
  return Object.keys((schema as { shape?: object } | undefined)?.shape ?? {});
}

function faultText(given: string, known: readonly string[]): string {
  const name = given.slice(0, 64);
  const meant = otherNames[name.toLowerCase()];
  const hint =
    meant !== undefined && known.includes(meant) ? `; did you mean ${meant}?` : nameHint(name, known);
  const have = known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}`;
  return `there is no query parameter '${name}' here, ${have}${hint}`;
}

/** Most faults reported for one request. */
const maxFaults = 20;
