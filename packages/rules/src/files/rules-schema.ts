import { z } from "zod";
import { directionNames, maskModeNames, ruleTypes } from "../rule-types.ts";

const pair = z.tuple([z.number(), z.number()]);
const named = z.strictObject({ x: z.number(), y: z.number() });
const point = z.union([pair, named.transform(({ x, y }): z.infer<typeof pair> => [x, y])], {
  error: "must be a point: [x, y], both numbers from 0 to 1.",
});
const polygon = z.array(point, { error: "must be a list of points: [[x, y], [x, y], …]." });
const text = z.string({ error: "must be text." });
/** The name of a zone or line. Leaving it out may mean the whole picture; an empty name is always a mistake. */
const place = text
  .min(1, { error: "must not be empty; leave the field out where no place is meant." })
  .default("");
const seconds = z.number({ error: "must be a number of seconds." });

/** One of these names, in upper or lower case. `unlisted` names are accepted too, but not suggested. */
function oneOf(names: readonly string[], unlisted: readonly string[] = []) {
  const error = ({ input }: { input?: unknown }) =>
    `must be one of: ${names.join(", ")}${typeof input === "string" ? `; not ${JSON.stringify(input.slice(0, 80))}` : ""}.`;
  return z
    .string({ error })
    .toLowerCase()
    .refine((name) => names.includes(name) || unlisted.includes(name), { error });
}

/** An object with these fields and no others; a fault lists the valid fields. */
function fields<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `${issue.keys.map((key) => `"${key}"`).join(" and ")} ${issue.keys.length === 1 ? "is no field" : "are no fields"} of ${what}; fields are: ${Object.keys(shape).join(", ")}.`
        : `must be ${what}, with the fields ${Object.keys(shape).join(", ")}.`,
  });
}

function list<Item extends z.ZodType>(of: string, item: Item) {
  return z.array(item, { error: `must be a list of ${of}.` }).default([]);
}

const activeHours = fields("active hours", {
  days: z
    .array(z.number({ error: "must be a day, 1 (Monday) to 7 (Sunday)." }), {
      error: "must be a list of days, 1 (Monday) to 7 (Sunday).",
    })
    .default([]),
  start: text.default("00:00"),
  end: text.default("24:00"),
  time_zone: text.default(""),
});

const attributes = z
  .record(
    z.string(),
    z.union([text.transform((value) => [value]), z.array(text)], {
      error: "must be a value, or a list of values.",
    }),
    { error: "must name attributes with their values, such as { colour: [red, blue] }." },
  )
  .default({});

const rule = fields("a rule", {
  name: text.default(""),
  type: oneOf(
    ruleTypes.map(({ name }) => name),
    ["camera_down", "camera_up"],
  ),
  zone: place,
  line: place,
  direction: oneOf(directionNames.map(([name]) => name)).optional(),
  classes: list("class names", text),
  attributes,
  min_score: z.number({ error: "must be a number from 0 to 1." }).default(0),
  min_dwell_seconds: seconds.default(0),
  count: z.number({ error: "must be a whole number." }).optional(),
  debounce_seconds: seconds.default(0),
  cooldown_seconds: seconds.default(0),
  active_hours: activeHours.optional(),
});

/** The form of a parsed rules file. `checkRules` checks the values. */
export const rulesFileSchema = fields("a rules file", {
  zones: list("zones", fields("a zone", { name: text, polygon })),
  lines: list("lines", fields("a line", { name: text, start: point, end: point })),
  masks: list("masks", fields("a mask", { mode: oneOf(maskModeNames.map(([name]) => name)), polygon })),
  rules: list("rules", rule),
  etag: text.default(""),
});

/** Rules as in a file, with the defaults filled in. */
export type RulesFile = z.infer<typeof rulesFileSchema>;
