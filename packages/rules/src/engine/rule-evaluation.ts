import type { EndReason } from "@sightline/contracts";
import type { ConditionState, Evaluation, Instant } from "./engine-state.ts";
import type { Moment } from "./event-writer.ts";
import type { ReadyRule } from "./scene.ts";
import type { Tracked } from "./tracked.ts";

/** A moment, with its objects. */
export interface Step extends Moment {
  /** Found in this frame. */
  readonly seen: readonly Tracked[];
  /** Tracks that end now. */
  readonly ended: readonly Tracked[];
  /** All tracks, including those not found in this frame: they count as being where they were last seen. */
  readonly tracks: ReadonlyMap<string, Tracked>;
  /** The last frame's time; null while the camera is not watching: before its first frame, or since it went down. */
  readonly lastFrame: Instant | null;
}

/** The state of one rule, and what the rule does in each step. */
export interface RuleEvaluation {
  step(step: Step): void;
  /** Ends all its open events and forgets all objects. */
  end(step: Step, reason: EndReason): void;
  /** Open events. */
  readonly open: number;
  snapshot(): Evaluation;
}

/** Whether the object has one of the rule's classes, is in its zone and is not behind a mask. */
export function isInPlace({ zone }: ReadyRule, track: Tracked): boolean {
  return !track.masked && (zone === undefined || track.inZone[zone] === true);
}

export function isOfClass({ classes }: ReadyRule, { state }: Tracked): boolean {
  return classes === undefined || classes.has(state.className);
}

/**
 * Whether enough is known about the object: its score, and the attributes that the rule requires. Scores are 32-bit floats on the wire, so
 * `min_score` is one too.
 */
export function isKnownWell({ rule, attributes }: ReadyRule, { state }: Tracked): boolean {
  if (Math.fround(state.bestScore) < rule.minScore) return false;
  return attributes.every(({ name, values }) =>
    state.attributes.some((known) => known.name === name && values.has(known.value)),
  );
}

export function isCoolingDown({ cooldownMs }: ReadyRule, lastEventMs: number | null, now: Instant): boolean {
  return lastEventMs !== null && now.ms - lastEventMs < cooldownMs;
}

/** A condition that has never held. */
export function newCondition(): ConditionState {
  return { since: null, confirmed: false, overSince: null };
}

/**
 * Updates the condition: it holds now, or it does not. It counts only once it has held for `debounceMs` without a break. After that, a
 * break shorter than `debounceMs` is ignored.
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

/** Since when a confirmed condition has not held, once that has lasted `debounceMs`. */
export function overSince(condition: ConditionState, now: Instant, debounceMs: number): Instant | undefined {
  if (condition.overSince === null || now.ms - condition.overSince.ms < debounceMs) return undefined;
  return condition.overSince;
}
