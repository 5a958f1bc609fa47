import { Field } from "../shell/field.tsx";

interface Props {
  id: string;
  label: string;
  value: { value: string };
  of: readonly (readonly [value: string, words: string])[];
  onChange?: () => void;
}

/** One of several, by a list. */
export function Choice({ id, label, value, of, onChange }: Props) {
  // Nothing chosen yet is the first, as the forms take it.
  const shown = of.some(([one]) => one === value.value) ? value.value : of[0]?.[0];
  return (
    <Field id={id} label={label}>
      <select
        id={id}
        value={shown}
        onChange={(event) => {
          value.value = event.currentTarget.value;
          onChange?.();
        }}
      >
        {of.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
    </Field>
  );
}
