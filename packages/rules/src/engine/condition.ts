import type { ConditionState, Instant } from "./engine-state.ts";

/** A condition that has not held yet. */
export function newCondition(): ConditionState {
  return { since: null, confirmed: false, overSince: null };
}

/**
 * The condition holds now, or does not. Until it has held for `debounceMs` without a break it counts for nothing; after
 * that, a break shorter than `debounceMs` is none.
 */
export function observeCondition(
  condition: ConditionState,
  holds: boolean,
  now: Instant,
  debounceMs: number,
): void {
  if (holds) {
    condition.since ??= now;
    condition.overSince = null;
    if (now.ms - condition.since.ms >= debounceMs) condition.confirmed = true;
  } else if (condition.confirmed) {
    condition.overSince ??= now;
  } else {
    condition.since = null;
  }
}

/** Since when a confirmed condition has been over, once it has been so for `debounceMs`. */
export function overSince(condition: ConditionState, now: Instant, debounceMs: number): Instant | undefined {
  if (condition.overSince === null || now.ms - condition.overSince.ms < debounceMs) return undefined;
  return condition.overSince;
}
