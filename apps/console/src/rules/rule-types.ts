/** Which fields beside the common ones a type of rule has. */
export interface RuleFields {
  /** What it reports, for people. */
  name: string;
  zone: "needed" | "optional" | "unused";
  line: boolean;
  dwell: "needed" | "optional" | "unused";
  count: boolean;
  debounce: boolean;
}

const inPlace = { line: false, dwell: "optional", count: false, debounce: true } as const;

export const ruleTypes = {
  appeared: { name: "Object appears", zone: "optional", ...inPlace },
  left: { name: "Object leaves", zone: "optional", ...inPlace },
  entered_zone: { name: "Object enters a zone", zone: "needed", ...inPlace },
  left_zone: { name: "Object leaves a zone", zone: "needed", ...inPlace },
  crossed_line: {
    name: "Object crosses a line",
    zone: "unused",
    line: true,
    dwell: "unused",
    count: false,
    debounce: false,
  },
  dwelled: { name: "Object stays for some time", zone: "optional", ...inPlace, dwell: "needed" },
  count_above: { name: "Too many objects", zone: "optional", ...inPlace, count: true },
  count_below: { name: "Too few objects", zone: "optional", ...inPlace, count: true },
} as const satisfies Record<string, RuleFields>;

export type RuleType = keyof typeof ruleTypes;

/** The fields of a type; those of `appeared` for one that is not known. */
export function fieldsOf(type: RuleType): RuleFields {
  return ruleTypes[type] ?? ruleTypes.appeared;
}

/** What a rule asks of attributes, as it is written in the form: "colour: red, blue; helmet: none". */

/** Values by attribute; undefined when the text cannot be read, or names one twice. */
export function attributesOf(text: string): Record<string, string[]> | undefined {
  const asked = new Map<string, string[]>();
  for (const part of text.split(";").map((each) => each.trim())) {
    if (part === "") continue;
    const [name = "", list = "", ...rest] = part.split(/[:=]/).map((each) => each.trim());
    const values = list.split(",").map((value) => value.trim());
    if (name === "" || rest.length > 0 || values.includes("") || asked.has(name)) return undefined;
    asked.set(name, values);
  }
  return Object.fromEntries(asked);
}

/** Of a rule as the server has it. */
export function attributesText(attributes: unknown): string {
  if (typeof attributes !== "object" || attributes === null) return "";
  return Object.entries(attributes)
    .map(([name, values]) => `${name}: ${[values].flat().join(", ")}`)
    .join("; ");
}
