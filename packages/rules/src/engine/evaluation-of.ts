import { EventType } from "@sightline/contracts";
import { CountEvaluation } from "./count-evaluation.ts";
import { CrossingEvaluation } from "./crossing-evaluation.ts";
import type { Evaluation } from "./engine-state.ts";
import type { EventWriter } from "./event-writer.ts";
import { PresenceEvaluation } from "./presence-evaluation.ts";
import type { RuleEvaluation } from "./rule-evaluation.ts";
import type { ReadyRule } from "./scene.ts";

/** What looks after a rule of its type; anew, or from a state that it left. */
export function evaluationOf(ready: ReadyRule, writer: EventWriter, state?: Evaluation): RuleEvaluation {
  switch (ready.rule.type) {
    case EventType.CROSSED_LINE:
      return new CrossingEvaluation(ready, writer, state?.kind === "crossing" ? state : undefined);
    case EventType.COUNT_ABOVE:
    case EventType.COUNT_BELOW:
      return new CountEvaluation(ready, writer, state?.kind === "count" ? state : undefined);
    default:
      return new PresenceEvaluation(ready, writer, state?.kind === "presence" ? state : undefined);
  }
}
