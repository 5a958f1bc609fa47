import type { HttpRules } from "@sightline/contracts";
import { attributesText, fieldsOf, type RuleType } from "./rule-types.ts";

export type Point = readonly [number, number];

/** A zone, line or mask of rules, or a privacy mask, while it is edited. Points are in 0..1 of the picture; a line has two. */
export interface Shape {
  /** Stays the same while name and points change. */
  key: string;
  kind: "zone" | "line" | "mask" | "privacy";
  /** Empty for masks of both kinds, which have no names. */
  name: string;
  /** Only for masks. */
  mode: "include" | "exclude";
  points: readonly Point[];
}

export interface ActiveHours {
  /** 1 is Monday; empty means every day. */
  days: readonly number[];
  start: string;
  end: string;
  /** IANA name; empty means UTC. */
  timeZone: string;
}

/** A rule while it is edited. Fields that its type does not use are kept, but not saved. */
export interface RuleDraft {
  key: string;
  name: string;
  type: RuleType;
  zone: Place;
  line: Place;
  direction: "" | "left_to_right" | "right_to_left";
  classes: readonly string[];
  /** Written as "colour: red, blue; helmet: none". */
  attributes: string;
  minScore: number;
  minDwellSeconds: number;
  count: number;
  debounceSeconds: number;
  cooldownSeconds: number;
  activeHours: ActiveHours | undefined;
}

/** The parts of a draft; they are saved separately, since privacy masks are a setting of the camera. */
export type DraftPart = "rules" | "masks";

export interface RulesDraft {
  shapes: readonly Shape[];
  rules: readonly RuleDraft[];
  /** Version of the rules when the draft began. */
  etag: string;
}

let lastKey = 0;

/** A key for a new shape or rule. */
export function newKey(): string {
  return `new-${++lastKey}`;
}

/** A free name for a zone or line: "zone 1", "zone 2", … */
export function freeName(draft: RulesDraft, kind: "zone" | "line"): string {
  const taken = new Set(draft.shapes.filter((shape) => shape.kind === kind).map((shape) => shape.name));
  for (let number = 1; ; number++) if (!taken.has(`${kind} ${number}`)) return `${kind} ${number}`;
}

/** Which part a shape belongs to. */
export function partOf({ kind }: Pick<Shape, "kind">): DraftPart {
  return kind === "privacy" ? "masks" : "rules";
}

/** Whether a shape can have a name. */
export function hasName({ kind }: Pick<Shape, "kind">): boolean {
  return kind === "zone" || kind === "line";
}

/** A draft with some of its parts taken from another. */
export function withParts(draft: RulesDraft, from: RulesDraft, parts: readonly DraftPart[]): RulesDraft {
  const of = (part: DraftPart) => (parts.includes(part) ? from : draft);
  const shapes = (part: DraftPart) => of(part).shapes.filter((shape) => partOf(shape) === part);
  const { rules, etag } = of("rules");
  return { shapes: [...shapes("rules"), ...shapes("masks")], rules, etag };
}

/** Rules, and their camera's privacy masks, as a draft. */
export function draftOf(rules: HttpRules, privacyMasks: readonly Shape[] = []): RulesDraft {
  const shape = (
    kind: Shape["kind"],
    index: number,
    points: readonly Point[],
    more: Partial<Shape>,
  ): Shape => ({
    key: `${kind}-${index}`,
    kind,
    name: "",
    mode: "exclude",
    points,
    ...more,
  });
  const shapes = [
    ...rules.zones.map(({ name, polygon }, index) => shape("zone", index, polygon, { name })),
    ...rules.lines.map(({ name, start, end }, index) => shape("line", index, [start, end], { name })),
    ...rules.masks.map(({ mode, polygon }, index) => shape("mask", index, polygon, { mode })),
    ...privacyMasks,
  ];
  return {
    shapes,
    rules: rules.rules.map((rule, index) => ruleOf(rule, `rule-${index}`, shapes)),
    etag: rules.etag,
  };
}

function ruleOf(rule: Record<string, unknown>, key: string, shapes: readonly Shape[]): RuleDraft {
  const text = (name: string) => (typeof rule[name] === "string" ? rule[name] : "");
  const number = (name: string) => (typeof rule[name] === "number" ? rule[name] : 0);
  const place = (kind: "zone" | "line") => (text(kind) === "" ? "" : placeNamed(shapes, kind, text(kind)));
  const type = text("type") as RuleType;
  const hours = rule.active_hours as Record<string, unknown> | undefined;
  return {
    key,
    name: text("name"),
    type,
    zone: place("zone") || (fieldsOf(type).zone === "optional" ? wholePicture : ""),
    line: place("line"),
    direction: text("direction") as RuleDraft["direction"],
    classes: Array.isArray(rule.classes) ? (rule.classes as string[]) : [],
    attributes: attributesText(rule.attributes),
    minScore: number("min_score"),
    minDwellSeconds: number("min_dwell_seconds"),
    count: number("count"),
    debounceSeconds: number("debounce_seconds"),
    cooldownSeconds: number("cooldown_seconds"),
    activeHours: hours && {
      days: Array.isArray(hours.days) ? (hours.days as number[]) : [],
      start: String(hours.start ?? "00:00"),
      end: String(hours.end ?? "24:00"),
      timeZone: String(hours.time_zone ?? ""),
    },
  };
}

/** The fields of a shape that identify a place. */
interface NamedShape {
  key: string;
  kind: string;
  name: string;
}

/**
 * Where a rule looks, while it is edited: the key of a zone or line, so that it stays with the shape when that is renamed;
 * `wholePicture`; a removed shape; or empty until something is chosen.
 */
export type Place = string;

/** Only set by a person's choice or loaded from the server: nothing else turns into the whole picture. */
export const wholePicture: Place = "picture";

const gonePrefix = "gone:";

/** A zone or line with this name that no longer exists. */
export function gone(name: string): Place {
  return gonePrefix + name;
}

/** The name of a removed shape; undefined for any other place. */
export function goneName(place: Place): string | undefined {
  return place.startsWith(gonePrefix) ? place.slice(gonePrefix.length) : undefined;
}

/** The place that a rule names. */
export function placeNamed(shapes: readonly NamedShape[], kind: "zone" | "line", name: string): Place {
  return shapes.find((shape) => shape.kind === kind && shape.name === name)?.key ?? gone(name);
}

/** The current name of a place. */
export function placeName(shapes: readonly NamedShape[], place: Place): string {
  return shapes.find(({ key }) => key === place)?.name ?? goneName(place) ?? "";
}
