import { useSignal } from "@preact/signals";
import type { RoleName } from "@sightline/contracts";
import { SelectField, TextField } from "../shell/field.tsx";
import { sentence } from "../words/names.ts";
import { camerasFault, camerasIn, roleMeanings } from "./access-words.ts";

/** A user's or token's access, as the state of form fields. */
export function useAccess(firstRole: RoleName, firstCameras: string) {
  const role = useSignal(firstRole);
  const cameras = useSignal(firstCameras);
  const error = useSignal("");
  /** The choice, if the text names valid cameras; otherwise the field shows the error. */
  const read = (): { role: RoleName; cameras: string[] } | undefined => {
    const isAdmin = role.value === "admin";
    error.value = isAdmin ? "" : camerasFault(cameras.value);
    if (error.value !== "") return undefined;
    return { role: role.value, cameras: isAdmin ? ["*"] : camerasIn(cameras.value) };
  };
  return { role, cameras, error, read };
}

interface AccessProps {
  /** Prefix of the fields' ids. */
  id: string;
  access: ReturnType<typeof useAccess>;
  roles: readonly RoleName[];
}

/** A choice of role, with its meaning, and of cameras; an administrator sees all. */
export function AccessFields({ id, access: { role, cameras, error }, roles }: AccessProps) {
  return (
    <>
      <SelectField
        id={`${id}-role`}
        label="Role"
        hint={sentence(roleMeanings[role.value])}
        value={role.value}
        options={roles.map((each) => [each, each] as const)}
        onChange={(chosen) => (role.value = chosen)}
      />
      {role.value !== "admin" && (
        <TextField
          id={`${id}-cameras`}
          label="Cameras"
          hint="Names separated by commas; yard-* for all names that begin with yard-, site=north for all with this label, * for all."
          error={error.value}
          value={cameras.value}
          spellcheck={false}
          required
          onChange={(text) => (cameras.value = text)}
        />
      )}
    </>
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
