import { type CameraRules, CrossingDirection, EventType, MaskMode, type Point } from "@sightline/contracts";
import { type RulesCheck, unknownPlaceFaults } from "../check/check-rule.ts";
import { checkRules } from "../check/check-rules.ts";
import { RulesError, type RulesFault } from "../errors.ts";
import { directionNames, maskModeNames, ruleTypes } from "../rule-types.ts";
import { readRulesText } from "./read-rules-text.ts";
import { type RulesFile, rulesFileSchema } from "./rules-schema.ts";
import { fieldPath, type PartlyRead, withStandIns } from "./stand-ins.ts";

/**
 * Reads a rules file and checks it (docs/rules.md describes the form).
 * @param source "json", "yaml", or the file's name, whose extension decides; otherwise, text that looks like JSON is read as JSON
 * @returns the rules, each with a name; without resource name and update time
 * @throws {RulesError} with all faults
 *
 * @example
 * ```ts
 * const text = `
 * zones:
 *   - { name: yard, polygon: [[0, 0], [1, 0], [1, 1]] }
 * rules:
 *   - { type: entered_zone, zone: yard }
 * `;
 * assert.equal(parseRulesFile(text, "yaml").rules[0]?.name, "entered_zone-yard");
 * ```
 */
export function parseRulesFile(text: string, source: string, check?: RulesCheck): CameraRules {
  return parseRules(readRulesText(text, source), check);
}

/**
 * Checks rules in the form of a rules file that are already parsed, such as the body of an HTTP request.
 * @throws {RulesError} with all faults
 *
 * @example
 * ```ts
 * const { rules } = parseRules({ rules: [{ type: "count_above", count: 3 }] });
 * assert.equal(rules[0]?.count, 3);
 * ```
 */
export function parseRules(value: unknown, check?: RulesCheck): CameraRules {
  const parsed = rulesFileSchema.safeParse(value);
  if (parsed.success) {
    if (missingCounts(parsed.data).length === 0) return checkRules(toMessage(parsed.data), check);
    throw new RulesError(inOrder(valueFaults(parsed.data, check)));
  }
  const { issues } = parsed.error;
  const faults = issues.map(({ path, message }) => ({ field: fieldPath(path), message }));
  const rest = withStandIns(value, issues);
  const others = rest ? [...valueFaults(rest.file, check), ...placesOfReplaced(value, rest)] : [];
  const isTold = ({ field }: RulesFault) => faults.some((fault) => fault.field === field);
  // For a part with a stand-in, report only faults of the part itself: its name, and the places that a rule names.
  const isOwn = ({ field }: RulesFault) => {
    const [, part = "", name] = /^(\w+(?:\[\d+\])?)(\.(?:name|zone|line)$)?/.exec(field) ?? [];
    return name !== undefined || !rest?.replaced.has(part);
  };
  throw new RulesError(inOrder([...faults, ...others.filter((fault) => isOwn(fault) && !isTold(fault))]), {
    cause: parsed.error,
  });
}

/** Zones and lines that do not exist but are named by rules with a wrong form. */
function placesOfReplaced(value: unknown, { file, replaced }: PartlyRead): RulesFault[] {
  const { rules } = value as { rules?: unknown };
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: Record<string, unknown> | null, index) => {
    const field = `rules[${index}]`;
    if (!replaced.has(field)) return [];
    return (["zone", "line"] as const).flatMap((what) => {
      const place = rule?.[what];
      const known = file[`${what}s`].map(({ name }) => name);
      return typeof place === "string" && place !== ""
        ? unknownPlaceFaults(`${field}.${what}`, what, place, known)
        : [];
    });
  });
}

function missingCounts({ rules }: RulesFile): RulesFault[] {
  return rules.flatMap(({ type, count }, index) =>
    count === undefined && ruleTypes.find(({ name }) => name === type)?.count === "needed"
      ? [{ field: `rules[${index}].count`, message: `A rule of type ${type} needs a count.` }]
      : [],
  );
}

/** What is wrong with the values in a file whose form is right. */
function valueFaults(file: RulesFile, check?: RulesCheck): readonly RulesFault[] {
  const missing = missingCounts(file);
  try {
    checkRules(toMessage(file), check);
    return missing;
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const isTold = ({ field }: RulesFault) => missing.some((fault) => fault.field === field);
    return [...missing, ...error.faults.filter((fault) => !isTold(fault))];
  }
}

function inOrder(faults: readonly RulesFault[]): RulesFault[] {
  const place = ({ field }: RulesFault) => {
    const [, list = "", index = "-1"] = /^(\w+)(?:\[(\d+)\])?/.exec(field) ?? [];
    return 1e6 * ["zones", "lines", "masks", "rules"].indexOf(list) + Number(index);
  };
  return faults.toSorted((a, b) => place(a) - place(b));
}

const toPoint = ([x, y]: [number, number]): Point => ({ x, y });

/** The schema has already checked that names are in the tables. */
function toMessage(file: RulesFile): CameraRules {
  return {
    name: "",
    zones: file.zones.map(({ name, polygon }) => ({ name, polygon: polygon.map(toPoint) })),
    lines: file.lines.map(({ name, start, end }) => ({ name, start: toPoint(start), end: toPoint(end) })),
    masks: file.masks.map(({ mode, polygon }) => ({
      mode: maskModeNames.find(([name]) => name === mode)?.[1] ?? MaskMode.UNSPECIFIED,
      polygon: polygon.map(toPoint),
    })),
    rules: file.rules.map((rule) => ({
      name: rule.name,
      type: eventTypeNamed(rule.type),
      zone: rule.zone,
      line: rule.line,
      direction:
        directionNames.find(([name]) => name === rule.direction)?.[1] ?? CrossingDirection.UNSPECIFIED,
      classes: rule.classes,
      attributes: Object.entries(rule.attributes).map(([name, values]) => ({ name, values })),
      minScore: rule.min_score,
      minDwellSeconds: rule.min_dwell_seconds,
      count: rule.count ?? 0,
      debounceSeconds: rule.debounce_seconds,
      cooldownSeconds: rule.cooldown_seconds,
      activeHours: rule.active_hours && {
        days: rule.active_hours.days,
        start: rule.active_hours.start,
        end: rule.active_hours.end,
        timeZone: rule.active_hours.time_zone,
      },
    })),
    etag: file.etag,
    updateTime: undefined,
  };
}

function eventTypeNamed(name: string): EventType {
  if (name === "camera_down") return EventType.CAMERA_DOWN;
  if (name === "camera_up") return EventType.CAMERA_UP;
  return ruleTypes.find((type) => type.name === name)?.type ?? EventType.UNSPECIFIED;
}
