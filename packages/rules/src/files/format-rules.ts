import {
  type CameraRules,
  type HttpRules,
  MaskMode,
  type Point,
  type Rule,
  shortestFloat,
} from "@sightline/contracts";
import { directionNames, ruleTypeOf } from "../rule-types.ts";

/**
 * Rules in the form of a rules file, which the HTTP API uses too. Fields that a rule's type does not have, and fields with their default
 * value, are left out. `parseRules` turns the result into the same rules.
 *
 * @example
 * ```ts
 * const { rules } = formatRules(parseRules({ rules: [{ type: "appeared", min_score: 0.3 }] }));
 * assert.deepEqual(rules, [{ name: "appeared", type: "appeared", min_score: 0.3 }]);
 * ```
 */
export function formatRules(rules: CameraRules): HttpRules {
  return {
    zones: rules.zones.map(({ name, polygon }) => ({ name, polygon: polygon.map(fromPoint) })),
    lines: rules.lines.map(({ name, start, end }) => ({
      name,
      start: fromPoint(start),
      end: fromPoint(end),
    })),
    masks: rules.masks.map(({ mode, polygon }) => ({
      mode: mode === MaskMode.INCLUDE ? ("include" as const) : ("exclude" as const),
      polygon: polygon.map(fromPoint),
    })),
    rules: rules.rules.map(fromRule),
    etag: rules.etag,
  };
}

function fromPoint(point: Point | undefined): [number, number] {
  return [point?.x ?? 0, point?.y ?? 0];
}

function fromRule(rule: Rule): Record<string, unknown> {
  const type = ruleTypeOf(rule.type);
  const direction = directionNames.find(([, value]) => value === rule.direction)?.[0];
  const hours = rule.activeHours;
  return {
    name: rule.name,
    type: type?.name ?? "",
    ...(rule.zone !== "" && { zone: rule.zone }),
    ...(rule.line !== "" && { line: rule.line }),
    ...(direction !== undefined && { direction }),
    ...(rule.classes.length > 0 && { classes: [...rule.classes] }),
    ...(rule.attributes.length > 0 && {
      attributes: Object.fromEntries(rule.attributes.map(({ name, values }) => [name, [...values]])),
    }),
    ...(rule.minScore > 0 && { min_score: shortestFloat(rule.minScore) }),
    ...(rule.minDwellSeconds > 0 && { min_dwell_seconds: rule.minDwellSeconds }),
    ...(type?.count === "needed" && { count: rule.count }),
    ...(rule.debounceSeconds > 0 && { debounce_seconds: rule.debounceSeconds }),
    ...(rule.cooldownSeconds > 0 && { cooldown_seconds: rule.cooldownSeconds }),
    ...(hours !== undefined && {
      active_hours: {
        ...(hours.days.length > 0 && { days: [...hours.days] }),
        start: hours.start,
        end: hours.end,
        ...(hours.timeZone !== "" && { time_zone: hours.timeZone }),
      },
    }),
  };
}
