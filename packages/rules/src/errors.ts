/** One thing that is wrong with rules, and what to do about it. */
export interface RulesFault {
  /** Path of the faulty part, written as for a rules file, such as `zones[1].polygon`; empty for the whole file. */
  readonly field: string;
  readonly message: string;
}

/** Why something failed: rules cannot be used, or the stored state of an engine cannot be continued. */
export type RulesErrorCode = "rules_invalid" | "state_invalid";

/**
 * Rules that cannot be used. Reports all faults at once.
 *
 * @example
 * ```ts
 * assert.throws(
 *   () => parseRules({ rules: [{ type: "entered_zone", zone: "yard" }] }),
 *   (error) => error instanceof RulesError && error.field === "rules[0].zone",
 * );
 * ```
 */
export class RulesError extends Error {
  readonly code: RulesErrorCode;
  /** At least one, in the order of the file. */
  readonly faults: readonly RulesFault[];

  constructor(faults: readonly RulesFault[], options?: ErrorOptions, code: RulesErrorCode = "rules_invalid") {
    super(
      faults.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("\n"),
      options,
    );
    this.name = new.target.name;
    this.code = code;
    this.faults = faults;
  }

  /** Path of the first fault. */
  get field(): string {
    return this.faults[0]?.field ?? "";
  }
}

/**
 * This version cannot continue from a stored engine state; start an engine without it.
 *
 * @example
 * ```ts
 * const state = { ...new RulesEngine("door", "run1").snapshot(), nextEvent: -1 };
 * assert.throws(() => new RulesEngine("door", "run1", state), RulesStateError);
 * ```
 */
export class RulesStateError extends RulesError {
  constructor(message: string, options?: ErrorOptions) {
    super([{ field: "", message }], options, "state_invalid");
  }
}
