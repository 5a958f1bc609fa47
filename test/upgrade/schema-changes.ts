import { isDeepStrictEqual } from "node:util";
import type { Json } from "./kept.ts";

/** What readers that know `before` (JSON Schema) may not expect of what is written by `after`: one line for each place. */
export function schemaChanges(path: string, before: Json, after: Json): string[] {
  for (const key of ["anyOf", "oneOf", "prefixItems"] as const) {
    const [old, later] = [before[key] as Json[] | undefined, after[key] as Json[] | undefined];
    if (!old || !later) continue;
    if (old.length !== later.length) return [`${path} has other kinds`];
    return old.flatMap((each, index) => schemaChanges(path, each, later[index]!));
  }
  if (before.type !== after.type) return [`${path} is ${after.type} instead of ${before.type}`];
  if (before.items && after.items)
    return schemaChanges(`${path}[]`, before.items as Json, after.items as Json);
  const [values, others] = [before.properties, after.properties] as (Record<string, Json> | undefined)[];
  if (values && others) return objectChanges(path, { ...before, values }, { ...after, values: others });
  if (isJson(before.additionalProperties) && isJson(after.additionalProperties))
    return schemaChanges(`${path}{}`, before.additionalProperties, after.additionalProperties);
  const bounds = ({ additionalProperties: _, ...rest }: Json) => rest;
  return isDeepStrictEqual(bounds(before), bounds(after)) ? [] : [`${path} has other values or bounds`];
}

type ObjectSchema = Json & { values: Record<string, Json> };

function objectChanges(path: string, before: ObjectSchema, after: ObjectSchema): string[] {
  const required = ({ required: names }: Json) => new Set((names as string[] | undefined) ?? []);
  const added = Object.keys(after.values).filter((name) => !(name in before.values));
  const missing = [...required(before)].filter((name) => !required(after).has(name));
  return [
    ...added.map((name) => `${path}.${name} was added`),
    ...missing.map((name) => `${path}.${name} may be missing`),
    ...Object.entries(before.values).flatMap(([name, schema]) =>
      after.values[name] ? schemaChanges(`${path}.${name}`, schema, after.values[name]) : [],
    ),
  ];
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}
