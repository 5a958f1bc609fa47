import type { RoleName } from "@sightline/contracts";
import { describedBy, Field } from "../shell/field.tsx";
import { sentence } from "../words/names.ts";
import { roleMeanings } from "./access-words.ts";

interface RoleProps {
  id: string;
  value: RoleName;
  options: readonly RoleName[];
  onChange: (role: RoleName) => void;
}

/** A choice among roles, with what the chosen one may do. */
export function RoleField({ id, value, options, onChange }: RoleProps) {
  return (
    <Field id={id} label="Role" hint={sentence(roleMeanings[value])}>
      <select
        {...describedBy(id, undefined)}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as RoleName)}
      >
        {options.map((role) => (
          <option key={role} value={role}>
            {role}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface CamerasProps {
  id: string;
  value: string;
  error?: string | undefined;
  onInput: (text: string) => void;
}

/** Which cameras may be seen, as text. */
export function CamerasField({ id, value, error, onInput }: CamerasProps) {
  return (
    <Field
      id={id}
      label="Cameras"
      hint="Names separated by commas; yard-* for all names that begin with yard-, site=north for all with this label, * for all."
      error={error}
    >
      <input
        {...describedBy(id, error)}
        value={value}
        autoComplete="off"
        spellcheck={false}
        required
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}

interface PasswordProps {
  id: string;
  label: string;
  hint?: string;
  value: string;
  isCurrent?: boolean;
  required?: boolean;
  onInput: (text: string) => void;
}

export function PasswordField({
  id,
  label,
  hint,
  value,
  isCurrent = false,
  required = true,
  onInput,
}: PasswordProps) {
  return (
    <Field id={id} label={label} {...(hint && { hint })}>
      <input
        {...describedBy(id, undefined, hint !== undefined)}
        type="password"
        minLength={isCurrent ? undefined : 8}
        autoComplete={isCurrent ? "current-password" : "new-password"}
        required={required}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}
