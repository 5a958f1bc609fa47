import { EndReason, EventType } from "@sightline/contracts";
import type { ConditionState, EvaluationOf, OpenEvent } from "./engine-state.ts";
import type { EventWriter } from "./event-writer.ts";
import {
  isCoolingDown,
  isInPlace,
  isKnownWell,
  isOfClass,
  newCondition,
  observeCondition,
  overSince,
  type RuleEvaluation,
  type Step,
} from "./rule-evaluation.ts";
import type { ReadyRule } from "./scene.ts";

/** Rules about the number of objects in a place. */
export class CountEvaluation implements RuleEvaluation {
  readonly #ready: ReadyRule;
  readonly #writer: EventWriter;
  /** Since when each object has been in place, by the analysis's clock. */
  readonly #inPlace: Map<string, number>;
  #condition: ConditionState;
  #lastEventMs: number | null;
  #event: OpenEvent | null;

  constructor(ready: ReadyRule, writer: EventWriter, state?: EvaluationOf<"count">) {
    this.#ready = ready;
    this.#writer = writer;
    this.#inPlace = new Map(state?.inPlace.map(({ track, sinceMs }) => [track, sinceMs]));
    this.#condition = state?.condition ?? newCondition();
    this.#lastEventMs = state?.lastEventMs ?? null;
    this.#event = state?.event ?? null;
  }

  step(step: Step): void {
    for (const { state } of step.ended) this.#inPlace.delete(state.id);
    if (step.lastFrame === null) return;
    const ready = this.#ready;
    const { now } = step;
    const count = this.#countAt(step);
    const isAbove = ready.rule.type === EventType.COUNT_ABOVE;
    const holds = isAbove ? count > ready.rule.count : count < ready.rule.count;
    observeCondition(this.#condition, holds, now, ready.debounceMs);
    const { since, confirmed } = this.#condition;
    // For "too few" no later view is better than the one at the start.
    const view = isAbove ? count : 0;
    if (this.#event !== null) {
      const over = overSince(this.#condition, now, ready.debounceMs);
      if (over === undefined) {
        if (holds) this.#writer.update(ready, step, this.#event, { count }, view);
      } else {
        this.#writer.end(ready, step, this.#event, { count }, over, EndReason.CONDITION_OVER);
        this.#event = null;
        this.#condition = newCondition();
      }
    } else if (since !== null && confirmed && holds && !isCoolingDown(ready, this.#lastEventMs, now)) {
      this.#event = this.#writer.start(ready, step, since, { count }, view);
      this.#lastEventMs = now.ms;
    } else if (overSince(this.#condition, now, ready.debounceMs) !== undefined) {
      this.#condition = newCondition();
    }
  }

  end(step: Step, reason: EndReason): void {
    this.#inPlace.clear();
    this.#condition = newCondition();
    if (this.#event === null) return;
    const lastKnown = reason === EndReason.CAMERA_DOWN ? step.lastFrame : null;
    const count = this.#event.count;
    this.#writer.end(this.#ready, step, this.#event, { count }, lastKnown ?? step.now, reason);
    this.#event = null;
  }

  get open(): number {
    return this.#event === null ? 0 : 1;
  }

  snapshot(): EvaluationOf<"count"> {
    return {
      kind: "count",
      inPlace: Array.from(this.#inPlace, ([track, sinceMs]) => ({ track, sinceMs })),
      condition: this.#condition,
      lastEventMs: this.#lastEventMs,
      event: this.#event,
    };
  }

  #countAt({ tracks, now }: Step): number {
    const ready = this.#ready;
    let count = 0;
    for (const track of tracks.values()) {
      const { id } = track.state;
      if (!isOfClass(ready, track) || !isInPlace(ready, track)) {
        this.#inPlace.delete(id);
        continue;
      }
      const since = this.#inPlace.get(id) ?? now.ms;
      this.#inPlace.set(id, since);
      if (now.ms - since >= ready.minDwellMs && isKnownWell(ready, track)) count++;
    }
    return count;
  }
}
