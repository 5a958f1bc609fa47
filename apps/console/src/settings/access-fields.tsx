import type { RoleName } from "@sightline/contracts";
import { SelectField, TextField } from "../shell/field.tsx";
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
    <SelectField
      id={id}
      label="Role"
      hint={sentence(roleMeanings[value])}
      value={value}
      options={options.map((role) => [role, role] as const)}
      onChange={onChange}
    />
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
    <TextField
      id={id}
      label="Cameras"
      hint="Names separated by commas; yard-* for all names that begin with yard-, site=north for all with this label, * for all."
      error={error}
      value={value}
      spellcheck={false}
      required
      onChange={onInput}
    />
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
    <TextField
      id={id}
      label={label}
      hint={hint}
      type="password"
      minLength={isCurrent ? undefined : 8}
      autoComplete={isCurrent ? "current-password" : "new-password"}
      required={required}
      value={value}
      onChange={onInput}
    />
  );
}
