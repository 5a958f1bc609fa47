import { EndReason, EventType } from "@sightline/contracts";
import type { EvaluationOf, Instant, PresenceState } from "./engine-state.ts";
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
import type { Tracked } from "./tracked.ts";

/**
 * Rules about one object in a place: appeared, entered_zone and dwelled make an event while the object is there; left and left_zone make
 * one when it has gone.
 */
export class PresenceEvaluation implements RuleEvaluation {
  readonly #ready: ReadyRule;
  readonly #writer: EventWriter;
  readonly #tellsOfLeaving: boolean;
  /** Objects that are in place, or whose last event still prevents another. */
  readonly #presences: Map<string, PresenceState>;

  constructor(ready: ReadyRule, writer: EventWriter, state?: EvaluationOf<"presence">) {
    this.#ready = ready;
    this.#writer = writer;
    this.#tellsOfLeaving = ready.rule.type === EventType.LEFT || ready.rule.type === EventType.LEFT_ZONE;
    this.#presences = new Map(state?.presences.map((presence) => [presence.track, presence]));
  }

  step(step: Step): void {
    for (const track of step.ended) {
      const presence = this.#presences.get(track.state.id);
      if (presence === undefined) continue;
      this.#leave(
        presence,
        track,
        step,
        presence.condition.overSince ?? track.state.lastSeen,
        EndReason.TRACK_LOST,
      );
      this.#presences.delete(track.state.id);
    }
    for (const track of step.seen) this.#see(track, step);
    for (const presence of this.#presences.values()) this.#settle(presence, step);
  }

  end(step: Step, reason: EndReason): void {
    for (const { event, track } of this.#presences.values()) {
      if (event === null) continue;
      const subject = step.tracks.get(track);
      const lastKnown = reason === EndReason.CAMERA_DOWN ? subject?.state.lastSeen : undefined;
      this.#writer.end(this.#ready, step, event, { track: subject }, lastKnown ?? step.now, reason);
    }
    this.#presences.clear();
  }

  get open(): number {
    let open = 0;
    for (const { event } of this.#presences.values()) if (event !== null) open++;
    return open;
  }

  snapshot(): EvaluationOf<"presence"> {
    return { kind: "presence", presences: [...this.#presences.values()] };
  }

  #see(track: Tracked, step: Step): void {
    const ready = this.#ready;
    const { now } = step;
    const inPlace = isInPlace(ready, track);
    let presence = this.#presences.get(track.state.id);
    if (!isOfClass(ready, track) && !presence?.event) {
      // An object that now has another class does not count as having been in place; an event that has begun continues.
      if (presence) presence.condition = newCondition();
      return;
    }
    if (presence === undefined) {
      if (!inPlace) return;
      presence = { track: track.state.id, condition: newCondition(), lastEventMs: null, event: null };
      this.#presences.set(presence.track, presence);
    }
    const { condition } = presence;
    observeCondition(condition, inPlace, now, ready.debounceMs);
    if (!inPlace || condition.since === null || this.#tellsOfLeaving) return;
    if (presence.event !== null) {
      this.#writer.update(ready, step, presence.event, { track }, track.view);
      return;
    }
    const isDue = condition.confirmed && now.ms - condition.since.ms >= ready.minDwellMs;
    if (!isDue || !isKnownWell(ready, track) || isCoolingDown(ready, presence.lastEventMs, now)) return;
    const start = ready.minDwellMs > 0 ? now : condition.since;
    presence.event = this.#writer.start(ready, step, start, { track }, track.view);
    presence.lastEventMs = now.ms;
  }

  /** The object may have been gone long enough by now, whether or not it was seen in this frame. */
  #settle(presence: PresenceState, step: Step): void {
    const over = overSince(presence.condition, step.now, this.#ready.debounceMs);
    const track = step.tracks.get(presence.track);
    if (over !== undefined && track !== undefined) {
      this.#leave(presence, track, step, over, EndReason.CONDITION_OVER);
      presence.condition = newCondition();
    }
    if (presence.condition.since === null && !isCoolingDown(this.#ready, presence.lastEventMs, step.now)) {
      this.#presences.delete(presence.track);
    }
  }

  #leave(presence: PresenceState, track: Tracked, step: Step, at: Instant, reason: EndReason): void {
    const ready = this.#ready;
    const { since, confirmed } = presence.condition;
    if (presence.event !== null) {
      this.#writer.end(ready, step, presence.event, { track }, at, reason);
      presence.event = null;
      return;
    }
    if (
      track.merged ||
      !this.#tellsOfLeaving ||
      since === null ||
      !confirmed ||
      at.ms - since.ms < ready.minDwellMs
    )
      return;
    if (!isKnownWell(ready, track) || isCoolingDown(ready, presence.lastEventMs, step.now)) return;
    this.#writer.once(ready, step, at, { track }, track.state.lastFrame);
    presence.lastEventMs = step.now.ms;
  }
}
