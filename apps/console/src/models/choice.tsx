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
  return (
    <Field id={id} label={label}>
      <select
        id={id}
        value={value.value}
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
