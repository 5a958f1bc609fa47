import { CameraRules, MaskMode, type Point, type Rule } from "@sightline/contracts";
import { ActiveSpan } from "../active-hours.ts";
import { CrossingLine } from "../geometry/line-crossing.ts";
import { Polygon } from "../geometry/polygon.ts";

/** The places of a camera's rules, prepared for fast checks. */
export class Scene {
  readonly zoneNames: readonly string[];
  readonly #zones: readonly Polygon[];
  readonly #excluded: readonly Polygon[];
  readonly #included: readonly Polygon[];

  /** @param rules checked: see `checkRules` */
  constructor({ zones, masks }: CameraRules) {
    const polygons = (mode: MaskMode) =>
      masks.filter((mask) => mask.mode === mode).map(({ polygon }) => new Polygon(polygon));
    this.zoneNames = zones.map(({ name }) => name);
    this.#zones = zones.map(({ polygon }) => new Polygon(polygon));
    this.#excluded = polygons(MaskMode.EXCLUDE);
    this.#included = polygons(MaskMode.INCLUDE);
  }

  /** For each zone, whether the point is in it. */
  zonesAt(point: Point): boolean[] {
    return this.#zones.map((zone) => zone.contains(point));
  }

  /** Whether a mask hides objects at this point. */
  masks(point: Point): boolean {
    if (this.#included.length > 0 && !this.#included.some((mask) => mask.contains(point))) return true;
    return this.#excluded.some((mask) => mask.contains(point));
  }
}

/** A rule prepared for evaluation. */
export interface ReadyRule {
  readonly rule: Rule;
  /** Equal for two rules if and only if they mean the same, including their places. */
  readonly key: string;
  /** Index of the zone; undefined for the whole picture. */
  readonly zone: number | undefined;
  readonly line: CrossingLine | undefined;
  /** Undefined means all. */
  readonly classes: ReadonlySet<string> | undefined;
  /** An object must match all of them. */
  readonly attributes: readonly { readonly name: string; readonly values: ReadonlySet<string> }[];
  /** Undefined means always. */
  readonly span: ActiveSpan | undefined;
  readonly debounceMs: number;
  readonly minDwellMs: number;
  readonly cooldownMs: number;
}

/** @param rules checked: see `checkRules` */
export function readyRules({ rules, zones, lines }: CameraRules): ReadyRule[] {
  return rules.map((rule) => {
    const zone = zones.findIndex(({ name }) => name === rule.zone);
    const line = lines.find(({ name }) => name === rule.line);
    const parts = { rules: [rule], zones: zones[zone] && [zones[zone]], lines: line && [line] };
    return {
      rule,
      key: Buffer.from(CameraRules.encode(CameraRules.fromPartial(parts)).finish()).toString("base64"),
      zone: zone === -1 ? undefined : zone,
      line: line?.start && line.end && new CrossingLine(line.start, line.end),
      classes: rule.classes.length === 0 ? undefined : new Set(rule.classes),
      attributes: rule.attributes.map(({ name, values }) => ({ name, values: new Set(values) })),
      span: rule.activeHours && new ActiveSpan(rule.activeHours),
      debounceMs: rule.debounceSeconds * 1000,
      minDwellMs: rule.minDwellSeconds * 1000,
      cooldownMs: rule.cooldownSeconds * 1000,
    };
  });
}
