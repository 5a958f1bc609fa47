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
