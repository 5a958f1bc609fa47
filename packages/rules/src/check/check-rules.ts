import type { CameraRules, Rule } from "@sightline/contracts";
import { RulesError, type RulesFault } from "../errors.ts";
import { ruleTypeOf } from "../rule-types.ts";
import { nameFaults, rulesLimits, tooMany } from "./bounds.ts";
import { type RulesCheck, ruleFaults } from "./check-rule.ts";
import { shapeFaults } from "./check-shapes.ts";

/**
 * Checks all of a camera's rules.
 * @returns the same rules in their stored form: rules without a name get one, and 32-bit fields are rounded to 32 bits
 * @throws {RulesError} with all faults; their fields are named as in a rules file
 * @example
 * ```ts
 * const rules = parseRules({ rules: [{ type: "appeared", classes: ["person"] }] });
 * assert.equal(checkRules(rules, { classes: ["person", "car"] }).rules[0]?.name, "appeared");
 * assert.throws(() => checkRules(rules, { classes: ["car"] }), RulesError);
 * ```
 */
export function checkRules(rules: CameraRules, check: RulesCheck = {}): CameraRules {
  const { maxRules } = rulesLimits;
  const complete = { ...rules, rules: withNames(rules.rules.slice(0, maxRules)).map(rounded) };
  const names = complete.rules.map(({ name }) => name);
  const faults: RulesFault[] = [
    ...shapeFaults(rules),
    ...tooMany("rules", rules.rules.length, maxRules),
    ...nameFaults("rules", "rule", names),
    ...complete.rules.flatMap((rule, index) => ruleFaults(`rules[${index}]`, rule, rules, check)),
  ];
  if (faults.length > 0) throw new RulesError(faults);
  return complete;
}

/** A rule without a name gets its type and place as its name, and a number if that name is taken: `entered_zone-road-2`. */
function withNames(rules: readonly Rule[]): Rule[] {
  const taken = new Set(rules.map(({ name }) => name));
  return rules.map((rule) => {
    if (rule.name !== "") return rule;
    const place = rule.zone === "" ? rule.line : rule.zone;
    const type = ruleTypeOf(rule.type)?.name ?? "rule";
    const base = place === "" ? type : `${type}-${place}`;
    for (let number = 1; ; number++) {
      const ending = number === 1 ? "" : `-${number}`;
      const name = `${base.slice(0, rulesLimits.maxNameLength - ending.length).trimEnd()}${ending}`;
      if (taken.has(name)) continue;
      taken.add(name);
      return { ...rule, name };
    }
  });
}

function rounded(rule: Rule): Rule {
  return { ...rule, minScore: Math.fround(rule.minScore) };
}
