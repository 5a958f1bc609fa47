import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { createToken } from "../api/access-calls.ts";
import { SelectField, TextField } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { may, me, roles } from "../state/auth.ts";
import { useAction } from "../state/use-request.ts";
import { AccessFields, useAccess } from "./access-fields.tsx";
import { camerasText } from "./access-words.ts";

const dayMs = 24 * 3_600_000;
const lifetimes = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "A year"],
  ["", "Until it is revoked"],
] as const;

interface Props {
  onMade: (made: { name: string; token: string }) => void;
  onClose: () => void;
}

/** Creates a token that may do at most what its creator may. */
export function TokenDialog({ onMade, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useSignal("");
  const access = useAccess("viewer", camerasText(me.value?.cameras ?? []));
  const days = useSignal<string>("90");
  const { busy, fault, run } = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const allowed = access.read();
    if (!allowed) return;
    const made = await run(async () => {
      const expireTime = new Date(Date.now() + Number(days.value) * dayMs).toISOString();
      const { token } = await createToken({
        name: name.value.trim(),
        ...allowed,
        ...(days.value !== "" && { expireTime }),
      });
      onMade({ name: name.value.trim(), token });
    });
    if (made) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="form-dialog" aria-labelledby="token-title" onClose={onClose}>
      <h2 id="token-title">Make a token</h2>
      <form class="form-main" onSubmit={submit}>
        <TextField
          id="token-name"
          label="Name"
          hint="What it is for, so that it is known in the list."
          value={name.value}
          maxLength={63}
          required
          onChange={(text) => (name.value = text)}
        />
        <AccessFields id="token" access={access} roles={roles.filter(may)} />
        <SelectField
          label="Lasts"
          value={days.value}
          options={lifetimes}
          onChange={(chosen) => (days.value = chosen)}
        />
        <Fault text={fault.value} />
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            Make the token
          </button>
        </div>
      </form>
    </dialog>
  );
}
