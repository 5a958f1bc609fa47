import { TextField } from "../shell/field.tsx";
import type { BoundField } from "./form-values.ts";

type ShareField = "floorFps" | "weight" | "priority";

const fields: readonly { name: ShareField; label: string; hint: string }[] = [
  {
    name: "floorFps",
    label: "Floor",
    hint: "Frames per second that it gets first, whatever the others ask for; empty: none.",
  },
  {
    name: "weight",
    label: "Weight",
    hint: "Its part while there is not enough for all: 2 gets twice as much as 1; empty: 1.",
  },
  {
    name: "priority",
    label: "Priority",
    hint: "Whose floor is held first when not all can be: the higher; empty: 0.",
  },
];

/** What a camera gets of workers that cannot do all. */
export function ShareFields({ bound }: { bound: BoundField }) {
  return (
    <fieldset class="shares">
      <legend>Under overload</legend>
      <div class="form-row">
        {fields.map(({ name, label, hint }) => (
          <TextField
            key={name}
            {...bound(name)}
            label={label}
            hint={hint}
            // The decimal keyboard of some phones has no minus.
            inputMode={name === "priority" ? "text" : "decimal"}
          />
        ))}
      </div>
    </fieldset>
  );
}
