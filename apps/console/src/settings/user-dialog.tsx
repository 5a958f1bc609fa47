import { useSignal } from "@preact/signals";
import type { HttpUser } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { createUser, setPassword, updateUser } from "../api/access-calls.ts";
import { TextField } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { auth, roles } from "../state/auth.ts";
import { useAction } from "../state/use-request.ts";
import { AccessFields, PasswordField, useAccess } from "./access-fields.tsx";
import { camerasText } from "./access-words.ts";

interface Props {
  /** The user to change; undefined to add one. */
  user: HttpUser | undefined;
  onSaved: () => void;
  onClose: () => void;
}

/** A user's role, cameras and password. */
export function UserDialog({ user, onSaved, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useSignal("");
  const access = useAccess(user?.role ?? "viewer", user ? camerasText(user.cameras) : "*");
  const password = useSignal("");
  const { busy, fault, run } = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const allowed = access.read();
    if (!allowed) return;
    const secret = password.value === "" ? {} : { password: password.value };
    const saved = await run(async () => {
      if (!user) return createUser({ name: name.value.trim(), ...allowed, ...secret });
      await updateUser(user.name, allowed);
      if (password.value !== "") await setPassword(user.name, password.value);
    });
    if (!saved) return;
    onSaved();
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="form-dialog" aria-labelledby="user-title" onClose={onClose}>
      <h2 id="user-title">{user ? `Change user ${user.name}` : "Add a user"}</h2>
      <form class="form-main" onSubmit={submit}>
        {!user && (
          <TextField
            id="user-name"
            label="User"
            hint="a–z, 0–9 and “-”; or as the login provider says it, name@example.org."
            value={name.value}
            autoCapitalize="none"
            spellcheck={false}
            required
            onChange={(text) => (name.value = text)}
          />
        )}
        <AccessFields id="user" access={access} roles={roles} />
        <PasswordField
          id="user-password"
          label={user ? "New password" : "Password"}
          {...(user
            ? { hint: "Empty: it stays as it is." }
            : auth.value?.login.oidc && { hint: "Empty: only by the login provider." })}
          required={!user && !auth.value?.login.oidc}
          value={password.value}
          onInput={(text) => (password.value = text)}
        />
        <Fault text={fault.value} />
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            {user ? "Save changes" : "Add user"}
          </button>
        </div>
      </form>
    </dialog>
  );
}
