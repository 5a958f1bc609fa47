import type { CameraRules, Detection } from "@sightline/contracts";
import { anchorOf, Polygon } from "@sightline/rules";

/** Whether a detection lies in a zone: as for rules, by the middle of its box's lower edge. */
export type ZoneTest = (detection: Detection) => boolean;

/** The rules of a camera as they are now. */
export type RulesOf = (camera: string) => CameraRules | undefined;

/** Finds zones in the rules of cameras as they are now. */
export class ZoneLookup {
  readonly #rulesOf: RulesOf;

  constructor(rulesOf: RulesOf) {
    this.#rulesOf = rulesOf;
  }

  /** The test for a camera's zone; undefined when the camera has no zone of that name. */
  find(camera: string, zone: string): ZoneTest | undefined {
    const found = this.#rulesOf(camera)?.zones.find(({ name }) => name === zone);
    if (!found) return undefined;
    const polygon = new Polygon(found.polygon);
    return ({ normalizedBox: box }) => box !== undefined && polygon.contains(anchorOf(box));
  }
}
