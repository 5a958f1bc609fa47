import { ClassPicker } from "../camera-form/class-picker.tsx";
import { NumberField, SelectField, TextField } from "../shell/field.tsx";
import { changeRule, removeRule } from "./edit-draft.ts";
import { HoursFields } from "./hours-fields.tsx";
import { fieldsOf, type RuleType, ruleTypes } from "./rule-types.ts";
import { goneName, type Place, type RuleDraft, type Shape, wholePicture } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";

interface Props {
  rule: RuleDraft;
  number: number;
  editing: RulesEditing;
  classes: readonly string[];
}

/** One rule: what is reported, where, and under which conditions. */
export function RuleCard({ rule, number, editing, classes }: Props) {
  const { shapes } = editing.draft.value;
  const fields = fieldsOf(rule.type);
  const faults = editing.faults.value.filter(({ key }) => key === rule.key);
  const change = (part: Partial<RuleDraft>, act = "") =>
    editing.edit(changeRule(editing.draft.peek(), rule.key, part), act && `${act} ${rule.key}`);
  const first = (kind: "zone" | "line") => shapes.find((shape) => shape.kind === kind)?.key ?? "";
  const type = (value: string) => {
    const next = value as RuleType;
    const count = fieldsOf(next).count && rule.count === 0 ? { count: next === "count_below" ? 1 : 0 } : {};
    const line = fieldsOf(next).line && rule.line === "" ? { line: first("line") } : {};
    const noZone = rule.zone === "" || rule.zone === wholePicture;
    const zone = fieldsOf(next).zone === "needed" && noZone ? { zone: first("zone") } : {};
    change({ type: next, ...count, ...line, ...zone });
  };
  return (
    <li class={faults.length > 0 ? "rule invalid" : "rule"}>
      <fieldset>
        <legend>{rule.name || `Rule ${number}`}</legend>
        {faults.map(({ message }) => (
          <p key={message} class="field-error" role="alert">
            {message}
          </p>
        ))}
        <div class="rule-fields">
          <SelectField
            label="Report when"
            value={rule.type}
            onChange={type}
            options={Object.entries(ruleTypes).map(([value, { name }]) => [value, name])}
          />
          {fields.zone !== "unused" && (
            <SelectField
              label="Zone"
              value={rule.zone}
              onChange={(zone) => change({ zone })}
              options={places(shapes, "zone", rule.zone, fields.zone === "optional")}
            />
          )}
          {fields.line && (
            <>
              <SelectField
                label="Line"
                value={rule.line}
                onChange={(line) => change({ line })}
                options={places(shapes, "line", rule.line)}
              />
              <SelectField
                label="Direction"
                value={rule.direction}
                onChange={(value) => change({ direction: value as RuleDraft["direction"] })}
                options={[
                  ["", "both ways"],
                  ["left_to_right", "along the arrow"],
                  ["right_to_left", "against the arrow"],
                ]}
              />
            </>
          )}
          {fields.count && (
            <NumberField
              label={rule.type === "count_below" ? "Fewer than" : "More than"}
              value={rule.count}
              step={1}
              onChange={(count) => change({ count })}
            />
          )}
          {fields.dwell !== "unused" && (
            <NumberField
              label={fields.dwell === "needed" ? "Stays at least, seconds" : "In place for, seconds"}
              value={rule.minDwellSeconds}
              onChange={(minDwellSeconds) => change({ minDwellSeconds })}
            />
          )}
          {fields.debounce && (
            <NumberField
              label="Holds for, seconds"
              value={rule.debounceSeconds}
              onChange={(debounceSeconds) => change({ debounceSeconds })}
              title="The condition must hold this long before the event starts, and be over this long before it ends"
            />
          )}
          <NumberField
            label="Pause between, seconds"
            value={rule.cooldownSeconds}
            onChange={(cooldownSeconds) => change({ cooldownSeconds })}
            title="The same rule makes no other event of the same object within this time"
          />
          <NumberField
            label="Minimum score"
            value={rule.minScore}
            step={0.05}
            most={1}
            onChange={(minScore) => change({ minScore })}
          />
          <TextField
            label="Attributes"
            value={rule.attributes}
            placeholder="such as colour: red, blue"
            maxLength={1000}
            onChange={(attributes) => change({ attributes }, "attributes")}
          />
          <TextField
            label="Name of the rule"
            value={rule.name}
            placeholder="made from type and place"
            maxLength={63}
            onChange={(name) => change({ name }, "name")}
          />
        </div>
        <details open={rule.classes.length > 0}>
          <summary>Classes: {rule.classes.length > 0 ? rule.classes.join(", ") : "all"}</summary>
          <ClassPicker
            legend={`Classes of rule ${number}`}
            known={classes}
            chosen={rule.classes}
            onChange={(chosen) => change({ classes: chosen })}
          />
        </details>
        <HoursFields hours={rule.activeHours} onChange={(activeHours) => change({ activeHours }, "hours")} />
        <button
          type="button"
          class="danger"
          onClick={() => editing.edit(removeRule(editing.draft.peek(), rule.key))}
        >
          Remove rule
        </button>
      </fieldset>
    </li>
  );
}

/** Places to choose from; the chosen place is shown even if it is invalid, so that the choice does not look like another one. */
function places(
  shapes: readonly Shape[],
  kind: "zone" | "line",
  chosen: Place,
  whole = false,
): (readonly [Place, string])[] {
  const name = goneName(chosen);
  const nothing = chosen === "" || (chosen === wholePicture && !whole);
  return [
    ...(nothing ? [[chosen, "choose …"] as const] : []),
    ...(whole ? [[wholePicture, "the whole picture"] as const] : []),
    ...(name === undefined ? [] : [[chosen, `${name} (gone)`] as const]),
    ...shapes.filter((shape) => shape.kind === kind).map((shape) => [shape.key, shape.name] as const),
  ];
}
