import type { HttpRules } from "@sightline/contracts";
import { attributesOf, fieldsOf } from "./rule-types.ts";
import {
  type Point,
  placeName,
  type RuleDraft,
  type RulesDraft,
  type Shape,
  wholePicture,
} from "./rules-draft.ts";

/** The draft in the server's form: a rules file with the etag. */
export function bodyOf({ shapes, rules, etag }: RulesDraft): HttpRules {
  return {
    zones: shapes
      .filter(({ kind }) => kind === "zone")
      .map(({ name, points }) => ({ name, polygon: points.map(rounded) })),
    lines: shapes
      .filter(({ kind }) => kind === "line")
      .map(({ name, points: [start = [0, 0], end = [0, 0]] }) => ({
        name,
        start: rounded(start),
        end: rounded(end),
      })),
    masks: shapes
      .filter(({ kind }) => kind === "mask")
      .map(({ mode, points }) => ({ mode, polygon: points.map(rounded) })),
    rules: rules.map((rule) => ruleBody(rule, shapes)),
    etag,
  };
}

function ruleBody(rule: RuleDraft, shapes: readonly Shape[]): Record<string, unknown> {
  const fields = fieldsOf(rule.type);
  const { activeHours: hours } = rule;
  const attributes = attributesOf(rule.attributes) ?? {};
  return {
    ...(rule.name !== "" && { name: rule.name }),
    type: rule.type,
    // A zone that is not chosen, or was removed, is sent as it is, so that the server refuses it. Without the field the rule would cover
    // the whole picture.
    ...(fields.zone !== "unused" && rule.zone !== wholePicture && { zone: placeName(shapes, rule.zone) }),
    ...(fields.line && { line: placeName(shapes, rule.line) }),
    ...(fields.line && rule.direction !== "" && { direction: rule.direction }),
    ...(rule.classes.length > 0 && { classes: [...rule.classes] }),
    ...(Object.keys(attributes).length > 0 && { attributes }),
    ...(rule.minScore > 0 && { min_score: rule.minScore }),
    ...(fields.dwell !== "unused" && rule.minDwellSeconds > 0 && { min_dwell_seconds: rule.minDwellSeconds }),
    ...(fields.count && { count: rule.count }),
    ...(fields.debounce && rule.debounceSeconds > 0 && { debounce_seconds: rule.debounceSeconds }),
    ...(rule.cooldownSeconds > 0 && { cooldown_seconds: rule.cooldownSeconds }),
    ...(hours && {
      active_hours: {
        ...(hours.days.length > 0 && { days: [...hours.days] }),
        start: hours.start,
        end: hours.end,
        ...(hours.timeZone !== "" && { time_zone: hours.timeZone }),
      },
    }),
  };
}

/** 0.0001 is finer than a pixel of any camera; more digits only make files hard to read. */
function rounded([x, y]: Point): [number, number] {
  return [Math.round(x * 10_000) / 10_000, Math.round(y * 10_000) / 10_000];
}
