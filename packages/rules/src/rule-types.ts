import { CrossingDirection, EventType, MaskMode } from "@sightline/contracts";

/** How a type of rule treats a field that not all types have. */
type Use = "needed" | "optional" | "unused";

/** Facts about a type of rule: its name and its fields. All types have the fields that are not named here. */
export interface RuleType {
  /** As in rules files. */
  readonly name: string;
  readonly type: EventType;
  readonly zone: Use;
  readonly line: Use;
  readonly minDwell: Use;
  readonly count: Use;
  readonly debounce: Use;
}

const inPlace = { line: "unused", minDwell: "optional", count: "unused", debounce: "optional" } as const;

export const ruleTypes: readonly RuleType[] = [
  { name: "appeared", type: EventType.APPEARED, zone: "optional", ...inPlace },
  { name: "left", type: EventType.LEFT, zone: "optional", ...inPlace },
  { name: "entered_zone", type: EventType.ENTERED_ZONE, zone: "needed", ...inPlace },
  { name: "left_zone", type: EventType.LEFT_ZONE, zone: "needed", ...inPlace },
  {
    name: "crossed_line",
    type: EventType.CROSSED_LINE,
    zone: "unused",
    line: "needed",
    minDwell: "unused",
    count: "unused",
    debounce: "unused",
  },
  { name: "dwelled", type: EventType.DWELLED, zone: "optional", ...inPlace, minDwell: "needed" },
  { name: "count_above", type: EventType.COUNT_ABOVE, zone: "optional", ...inPlace, count: "needed" },
  { name: "count_below", type: EventType.COUNT_BELOW, zone: "optional", ...inPlace, count: "needed" },
];

/** The type of a rule; undefined for camera_down, camera_up and unknown values. */
export function ruleTypeOf(type: EventType): RuleType | undefined {
  return ruleTypes.find((candidate) => candidate.type === type);
}

export const directionNames = [
  ["left_to_right", CrossingDirection.LEFT_TO_RIGHT],
  ["right_to_left", CrossingDirection.RIGHT_TO_LEFT],
] as const;

export const maskModeNames = [
  ["exclude", MaskMode.EXCLUDE],
  ["include", MaskMode.INCLUDE],
] as const;
