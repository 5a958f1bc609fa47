import type { RulesFault } from "../errors.ts";

/** Limits of a camera's rules. */
export const rulesLimits = {
  maxZones: 64,
  maxLines: 64,
  maxMasks: 64,
  maxRules: 128,
  minPoints: 3,
  maxPoints: 64,
  maxNameLength: 63,
  maxClassNameLength: 64,
  /** Attributes that a rule may require. */
  maxAttributes: 16,
  /** Longest dwell, debounce and cooldown: a day. */
  maxSeconds: 86_400,
  maxCount: 1000,
  /** Longest rules file, in characters. */
  maxFileLength: 1024 * 1024,
} as const;

const proper = /^[\p{L}\p{N}_-](?:[\p{L}\p{N}_ -]*[\p{L}\p{N}_-])?$/u;

/** Whether a zone, line or rule may have this name. */
function isProperName(name: string): boolean {
  return name.length <= rulesLimits.maxNameLength && proper.test(name);
}

/** What is wrong with the names in one list: each must be valid and unique. */
export function nameFaults(list: string, what: string, names: readonly string[]): RulesFault[] {
  return names.flatMap((name, index): RulesFault[] => {
    const field = `${list}[${index}].name`;
    if (!isProperName(name)) {
      return [
        {
          field,
          message: `A ${what}'s name has 1 to ${rulesLimits.maxNameLength} letters, digits, "-", "_" and spaces (none at its ends), not ${JSON.stringify(name.slice(0, 80))}.`,
        },
      ];
    }
    const first = names.indexOf(name);
    if (first === index) return [];
    return [{ field, message: `${list}[${first}] is called "${name}" already; names must be unique.` }];
  });
}

export function tooMany(field: string, count: number, most: number): RulesFault[] {
  return count <= most ? [] : [{ field, message: `There are at most ${most} ${field}, not ${count}.` }];
}
