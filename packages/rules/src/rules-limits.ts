/** Bounds on a camera's rules. */
export const rulesLimits = {
  maxZones: 64,
  maxLines: 64,
  maxMasks: 64,
  maxRules: 128,
  minPoints: 3,
  maxPoints: 64,
  maxNameLength: 63,
  maxClassNameLength: 64,
  /** Attributes that a rule may ask for. */
  maxAttributes: 16,
  /** Longest dwell, debounce and cooldown: a day. */
  maxSeconds: 86_400,
  maxCount: 1000,
  /** Longest rules file, in characters. */
  maxFileLength: 1024 * 1024,
} as const;
