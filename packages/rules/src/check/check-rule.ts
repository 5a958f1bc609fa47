import { type CameraRules, CrossingDirection, EventType, limits, type Rule } from "@sightline/contracts";
import type { RulesFault } from "../errors.ts";
import { type RuleType, ruleTypeOf, ruleTypes } from "../rule-types.ts";
import { rulesLimits } from "./bounds.ts";
import { activeHoursFaults } from "./check-active-hours.ts";

/** What is wrong with one rule, except its name. */
export function ruleFaults(
  field: string,
  rule: Rule,
  { zones, lines }: CameraRules,
  check: RulesCheck,
): RulesFault[] {
  const type = ruleTypeOf(rule.type);
  if (type === undefined) return [{ field: `${field}.type`, message: typeMessage(rule.type) }];
  return [
    ...placeFaults(
      `${field}.zone`,
      "zone",
      type,
      type.zone,
      rule.zone,
      zones.map(({ name }) => name),
    ),
    ...placeFaults(
      `${field}.line`,
      "line",
      type,
      type.line,
      rule.line,
      lines.map(({ name }) => name),
    ),
    ...directionFaults(`${field}.direction`, type, rule.direction),
    ...classFaults(`${field}.classes`, rule.classes, check.classes),
    ...attributeFaults(`${field}.attributes`, rule.attributes, check.attributes),
    ...(rule.minScore >= 0 && rule.minScore <= 1
      ? []
      : [{ field: `${field}.min_score`, message: `min_score must be from 0 to 1, not ${rule.minScore}.` }]),
    ...dwellFaults(`${field}.min_dwell_seconds`, type, rule.minDwellSeconds),
    ...countFaults(`${field}.count`, type, rule.count),
    ...secondsFaults(`${field}.debounce_seconds`, rule.debounceSeconds),
    ...unused(`${field}.debounce_seconds`, type, type.debounce, rule.debounceSeconds !== 0),
    ...secondsFaults(`${field}.cooldown_seconds`, rule.cooldownSeconds),
    ...(rule.activeHours === undefined ? [] : activeHoursFaults(`${field}.active_hours`, rule.activeHours)),
  ];
}

function typeMessage(type: EventType): string {
  const names = ruleTypes.map(({ name }) => name).join(", ");
  return type === EventType.CAMERA_DOWN || type === EventType.CAMERA_UP
    ? `camera_down and camera_up need no rule: every camera tells of them. Leave this rule out. Types of rules are: ${names}.`
    : `A rule needs a type, one of: ${names}.`;
}

function placeFaults(
  field: string,
  what: "zone" | "line",
  { name }: RuleType,
  use: RuleType["zone"],
  value: string,
  known: readonly string[],
): RulesFault[] {
  if (value === "") {
    return use === "needed"
      ? [{ field, message: `A rule of type ${name} needs the name of a ${what}.` }]
      : [];
  }
  if (use === "unused") return [{ field, message: `A rule of type ${name} has no ${what}; leave it out.` }];
  return unknownPlaceFaults(field, what, value, known);
}

/** What is wrong with the name of a zone or line that is not among the `known` names. */
export function unknownPlaceFaults(
  field: string,
  what: "zone" | "line",
  value: string,
  known: readonly string[],
): RulesFault[] {
  if (known.includes(value)) return [];
  const list = known.length === 0 ? `there are no ${what}s` : `${what}s are: ${known.join(", ")}`;
  return [{ field, message: `There is no ${what} "${value}"; ${list}.` }];
}

function directionFaults(field: string, type: RuleType, direction: CrossingDirection): RulesFault[] {
  const known: readonly number[] = Object.values(CrossingDirection);
  if (!known.includes(direction)) {
    return [{ field, message: "A direction is left_to_right or right_to_left; leave it out for both." }];
  }
  return direction !== CrossingDirection.UNSPECIFIED && type.line === "unused"
    ? [{ field, message: `A rule of type ${type.name} has no direction; leave it out, or use crossed_line.` }]
    : [];
}

function classFaults(field: string, classes: readonly string[], known?: readonly string[]): RulesFault[] {
  if (classes.length > limits.maxClasses) {
    return [{ field, message: `A rule names at most ${limits.maxClasses} classes, not ${classes.length}.` }];
  }
  return classes.flatMap((name, index): RulesFault[] => {
    const at = `${field}[${index}]`;
    if (name.length < 1 || name.length > rulesLimits.maxClassNameLength) {
      return [{ field: at, message: `A class name has 1 to ${rulesLimits.maxClassNameLength} characters.` }];
    }
    if (classes.indexOf(name) < index) return [{ field: at, message: `"${name}" is named twice.` }];
    if (known === undefined || known.includes(name)) return [];
    const some = known.slice(0, 20).join(", ");
    return [
      {
        field: at,
        message: `The camera's model knows no "${name}"; it knows ${known.length > 20 ? `${known.length} classes, such as ${some}` : some}.`,
      },
    ];
  });
}

function attributeFaults(
  field: string,
  asked: Rule["attributes"],
  known: RulesCheck["attributes"],
): RulesFault[] {
  if (asked.length > rulesLimits.maxAttributes)
    return [
      {
        field,
        message: `A rule asks for at most ${rulesLimits.maxAttributes} attributes, not ${asked.length}.`,
      },
    ];
  return asked.flatMap(({ name, values }, index): RulesFault[] => {
    const at = `${field}.${name}`;
    if (!isWord(name)) return [{ field, message: `An attribute's name has ${wordForm}.` }];
    if (asked.findIndex((other) => other.name === name) < index)
      return [{ field: at, message: `"${name}" is asked for twice; name all its values at once.` }];
    if (values.length === 0) return [{ field: at, message: `Name at least one value of "${name}".` }];
    if (values.length > limits.maxClasses)
      return [{ field: at, message: `There are at most ${limits.maxClasses} values, not ${values.length}.` }];
    const attribute = known?.find((each) => each.name === name);
    if (known && !attribute)
      return [
        {
          field: at,
          message:
            known.length === 0
              ? `The camera has no second stage that tells "${name}"; give it one with --then MODEL.`
              : `The camera's second stages tell no "${name}"; they tell ${known.map((each) => each.name).join(", ")}.`,
        },
      ];
    return values.flatMap((value, number): RulesFault[] => {
      const place = `${at}[${number}]`;
      if (!isWord(value)) return [{ field: place, message: `A value has ${wordForm}.` }];
      if (values.indexOf(value) < number) return [{ field: place, message: `"${value}" is named twice.` }];
      if (!attribute || attribute.values.includes(value)) return [];
      return [
        { field: place, message: `"${value}" is no ${name}; it is one of: ${attribute.values.join(", ")}.` },
      ];
    });
  });
}

const wordForm = `1 to ${rulesLimits.maxNameLength} characters`;

function isWord(text: string): boolean {
  return text.length >= 1 && text.length <= rulesLimits.maxNameLength;
}

function dwellFaults(field: string, type: RuleType, seconds: number): RulesFault[] {
  const faults = [...secondsFaults(field, seconds), ...unused(field, type, type.minDwell, seconds !== 0)];
  if (faults.length > 0 || type.minDwell !== "needed" || seconds > 0) return faults;
  return [{ field, message: `A rule of type ${type.name} needs min_dwell_seconds above 0.` }];
}

function countFaults(field: string, type: RuleType, count: number): RulesFault[] {
  const faults = unused(field, type, type.count, count !== 0);
  if (faults.length > 0 || type.count !== "needed") return faults;
  const least = type.type === EventType.COUNT_BELOW ? 1 : 0;
  if (Number.isInteger(count) && count >= least && count <= rulesLimits.maxCount) return [];
  return [
    {
      field,
      message: `The count of ${type.name} must be a whole number from ${least} to ${rulesLimits.maxCount}, not ${count}.`,
    },
  ];
}

function secondsFaults(field: string, seconds: number): RulesFault[] {
  if (seconds >= 0 && seconds <= rulesLimits.maxSeconds) return [];
  return [{ field, message: `Seconds must be from 0 to ${rulesLimits.maxSeconds}, not ${seconds}.` }];
}

function unused(field: string, type: RuleType, use: RuleType["count"], given: boolean): RulesFault[] {
  if (use !== "unused" || !given) return [];
  const name = field.slice(field.lastIndexOf(".") + 1);
  return [{ field, message: `A rule of type ${type.name} has no ${name}; leave it out.` }];
}

/** What rules are checked against, besides themselves. */
export interface RulesCheck {
  /** The classes of the camera's model; without them, any class name is accepted. */
  readonly classes?: readonly string[];
  /** The attributes from the camera's second stages; without them, any attribute is accepted. */
  readonly attributes?: readonly { readonly name: string; readonly values: readonly string[] }[];
}
