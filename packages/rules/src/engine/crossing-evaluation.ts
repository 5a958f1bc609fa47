import { CrossingDirection } from "@sightline/contracts";
import { right } from "../geometry/orientation.ts";
import type { CrossingState, EvaluationOf } from "./engine-state.ts";
import type { EventWriter } from "./event-writer.ts";
import { isCoolingDown, isKnownWell, isOfClass, type RuleEvaluation, type Step } from "./rule-evaluation.ts";
import type { ReadyRule } from "./scene.ts";
import type { Tracked } from "./tracked.ts";

/** Rules about one object that crosses a line. */
export class CrossingEvaluation implements RuleEvaluation {
  /** Its events are momentary. */
  readonly open = 0;
  readonly #ready: ReadyRule;
  readonly #writer: EventWriter;
  readonly #crossings: Map<string, CrossingState>;

  constructor(ready: ReadyRule, writer: EventWriter, state?: EvaluationOf<"crossing">) {
    this.#ready = ready;
    this.#writer = writer;
    this.#crossings = new Map(state?.crossings.map((crossing) => [crossing.track, crossing]));
  }

  step(step: Step): void {
    for (const { state } of step.ended) this.#crossings.delete(state.id);
    for (const track of step.seen) this.#see(track, step);
  }

  end(): void {
    this.#crossings.clear();
  }

  snapshot(): EvaluationOf<"crossing"> {
    return { kind: "crossing", crossings: [...this.#crossings.values()] };
  }

  #see(track: Tracked, step: Step): void {
    const ready = this.#ready;
    const { line } = ready;
    if (line === undefined) return;
    const crossing = this.#crossings.get(track.state.id);
    const isWanted = isOfClass(ready, track);
    if (crossing === undefined && !isWanted) return;
    if (track.masked || crossing === undefined) {
      // Nothing is remembered behind a mask: an object that comes out from behind it counts as new.
      const begins = { track: track.state.id, memory: line.begin(track.anchor), lastEventMs: null };
      if (!track.masked) this.#crossings.set(track.state.id, begins);
      else this.#crossings.delete(track.state.id);
      return;
    }
    const side = line.step(crossing.memory, track.anchor, track.size);
    // The object's side is tracked even when its class is not wanted: its class may change while it is on the line.
    if (side === 0 || !isWanted) return;
    const direction = side === right ? CrossingDirection.LEFT_TO_RIGHT : CrossingDirection.RIGHT_TO_LEFT;
    const wanted = ready.rule.direction;
    if (wanted !== CrossingDirection.UNSPECIFIED && wanted !== direction) return;
    if (!isKnownWell(ready, track) || isCoolingDown(ready, crossing.lastEventMs, step.now)) return;
    crossing.lastEventMs = step.now.ms;
    this.#writer.once(ready, step, step.now, { track, direction }, step.frame);
  }
}
