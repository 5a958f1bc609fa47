import { addRule } from "./edit-draft.ts";
import { RuleCard } from "./rule-card.tsx";
import { newKey, type Place, type RuleDraft } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";

/** What is reported: one rule for each kind of event. */
export function RuleList({ editing, classes }: { editing: RulesEditing; classes: readonly string[] }) {
  const { rules } = editing.draft.value;
  const add = () => {
    // The shape being drawn is most likely meant for the new rule.
    editing.closeSketch();
    const { shapes } = editing.draft.peek();
    const zone = shapes.find(({ kind }) => kind === "zone");
    const line = shapes.find(({ kind }) => kind === "line");
    const chosen = shapes.find(({ key }) => key === editing.selected.peek());
    const overLine = chosen?.kind === "line" || (!zone && line !== undefined);
    const place = chosen && chosen.kind !== "mask" ? chosen : (zone ?? line);
    editing.edit(addRule(editing.draft.peek(), newRule(overLine, place?.key ?? "")));
  };
  return (
    <section class="panel rules" aria-labelledby="rules-title">
      <h2 id="rules-title">Rules</h2>
      <p class="note">
        Each makes events of one kind. That a camera goes down or comes back is always reported, without a
        rule.
      </p>
      <ul class="rule-list" data-testid="rules">
        {rules.map((rule, index) => (
          <RuleCard key={rule.key} rule={rule} number={index + 1} editing={editing} classes={classes} />
        ))}
      </ul>
      <button type="button" onClick={add}>
        Add a rule
      </button>
    </section>
  );
}

/** A rule with the most likely place; without one, the user has to choose it. */
function newRule(overLine: boolean, place: Place): RuleDraft {
  return {
    key: newKey(),
    name: "",
    type: overLine ? "crossed_line" : place === "" ? "appeared" : "entered_zone",
    zone: overLine ? "" : place,
    line: overLine ? place : "",
    direction: "",
    classes: [],
    minScore: 0,
    minDwellSeconds: 0,
    count: 0,
    debounceSeconds: 0,
    cooldownSeconds: 0,
    attributes: "",
    activeHours: undefined,
  };
}
