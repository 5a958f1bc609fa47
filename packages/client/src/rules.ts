import { CameraRules, cameraName, type Line, type Mask, type Rule, type Zone } from "@sightline/contracts";
import { RulesServiceClient } from "@sightline/contracts/api";
import { type CallSettings, tellUnchecked, type UncheckedClasses } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";

/** A rule; fields that are not given have the defaults of docs/rules.md. */
export type RuleSettings = Partial<Rule> & Pick<Rule, "type">;

/** Everything that turns a camera's tracks into events; points are in 0..1 of the picture. */
export interface RulesSettings {
  zones?: readonly Zone[];
  lines?: readonly Line[];
  masks?: readonly Mask[];
  rules?: readonly RuleSettings[];
  /** Etag of the rules to be replaced; ABORTED when they have changed since. Without it they are always replaced. */
  etag?: string;
}

/**
 * Zones, lines and rules of cameras. Every method throws SightlineError.
 *
 * @example
 * ```ts
 * const kept = await client.rules.get("front");
 * const zone = { name: "yard", polygon: [{ x: 0, y: 0 }, { x: 1, y: 0 }, { x: 1, y: 1 }] };
 * const rule = { type: EventType.ENTERED_ZONE, zone: "yard" };
 * const { rules } = await client.rules.update("front", { ...kept, zones: [zone], rules: [...kept.rules, rule] });
 * assert.equal(rules.at(-1)?.name, "entered_zone-yard"); // A rule without a name gets one.
 * ```
 */
export class Rules {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A camera's rules; empty if it never had any. NOT_FOUND when there is no such camera. */
  async get(camera: string, call: CallSettings = {}): Promise<CameraRules> {
    const { rules } = await this.#connection.call(
      RulesServiceClient,
      (client) => client.getCameraRules,
      { name: rulesName(camera) },
      call,
    );
    return present(rules);
  }

  /** Replaces all of a camera's rules, and returns them as stored. INVALID_ARGUMENT names every fault. */
  async update(
    camera: string,
    settings: RulesSettings,
    call: CallSettings & UncheckedClasses = {},
  ): Promise<CameraRules> {
    const { zones = [], lines = [], masks = [], rules = [], etag = "" } = settings;
    const replacement = CameraRules.fromPartial({
      name: rulesName(camera),
      zones: [...zones],
      lines: [...lines],
      masks: [...masks],
      rules: [...rules],
      etag,
    });
    const answer = await this.#connection.call(
      RulesServiceClient,
      (client) => client.updateCameraRules,
      { rules: replacement },
      call,
    );
    tellUnchecked(call, answer.uncheckedClasses);
    return present(answer.rules);
  }
}

function rulesName(camera: string): string {
  return `${cameraName(camera)}/rules`;
}

function present(rules: CameraRules | undefined): CameraRules {
  if (!rules) throw new SightlineError("INTERNAL", "the server's answer has no rules");
  return rules;
}
