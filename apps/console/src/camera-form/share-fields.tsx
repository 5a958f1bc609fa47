import { describedBy, Field } from "../shell/field.tsx";
import type { FieldErrors, FormValues } from "./form-values.ts";

type ShareField = "floorFps" | "weight" | "priority";

interface Props {
  values: FormValues;
  errors: FieldErrors;
  onChange: (name: ShareField, value: string) => void;
}

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
export function ShareFields({ values, errors, onChange }: Props) {
  return (
    <fieldset class="shares">
      <legend>Under overload</legend>
      <div class="form-row">
        {fields.map(({ name, label, hint }) => (
          <Field key={name} id={name} label={label} hint={hint} error={errors[name]}>
            <input
              {...describedBy(name, errors[name])}
              value={values[name]}
              // The decimal keyboard of some phones has no minus.
              inputMode={name === "priority" ? "text" : "decimal"}
              autoComplete="off"
              onInput={(event) => onChange(name, event.currentTarget.value)}
            />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}
