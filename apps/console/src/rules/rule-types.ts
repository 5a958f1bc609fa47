/** The additional fields of a type of rule. */
export interface RuleFields {
  /** What it reports, in words. */
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

/** The fields of a type; an unknown type has those of `appeared`. */
export function fieldsOf(type: RuleType): RuleFields {
  return ruleTypes[type] ?? ruleTypes.appeared;
}

/** The attributes in a rule's condition, in the form's notation: "colour: red, blue; helmet: none". */

/** Values by attribute; undefined when the text is invalid, or repeats a name. */
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

/** The text for the attributes of a rule from the server. */
export function attributesText(attributes: unknown): string {
  if (typeof attributes !== "object" || attributes === null) return "";
  return Object.entries(attributes)
    .map(([name, values]) => `${name}: ${[values].flat().join(", ")}`)
    .join("; ");
}
