import { useSignal } from "@preact/signals";
import { setPassword } from "../api/access-calls.ts";
import { Fault } from "../shell/notices.tsx";
import { auth, me } from "../state/auth.ts";
import { useAction } from "../state/use-request.ts";
import { PasswordField } from "./access-fields.tsx";
import { camerasName, roleMeanings } from "./access-words.ts";

/** The user's own login, and a form to change the password. */
export function OwnLogin() {
  const user = me.value;
  if (!user) return null;
  return (
    <section class="panel" aria-labelledby="own-title">
      <h2 id="own-title">You</h2>
      <dl class="facts">
        <div>
          <dt>User</dt>
          <dd>{user.name}</dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>
            {user.role}: {roleMeanings[user.role]}
          </dd>
        </div>
        <div>
          <dt>Cameras</dt>
          <dd>{camerasName(user.cameras)}</dd>
        </div>
      </dl>
      {auth.value?.login.password && <OwnPassword name={user.name} />}
    </section>
  );
}

function OwnPassword({ name }: { name: string }) {
  const current = useSignal("");
  const next = useSignal("");
  const done = useSignal(false);
  const { busy, fault, run } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    done.value = false;
    done.value = await run(() => setPassword(name, next.value, current.value));
    if (done.value) current.value = next.value = "";
  };
  return (
    <form class="settings-form" onSubmit={submit}>
      <h3>Change your password</h3>
      <input
        class="hidden"
        name="username"
        autoComplete="username"
        value={name}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <div class="form-row">
        <PasswordField
          id="own-current"
          label="Current password"
          isCurrent
          value={current.value}
          onInput={(text) => (current.value = text)}
        />
        <PasswordField
          id="own-next"
          label="New password"
          value={next.value}
          onInput={(text) => (next.value = text)}
        />
      </div>
      <Fault text={fault.value} />
      <div class="buttons">
        <button type="submit" disabled={busy.value}>
          Change the password
        </button>
        <p class="note" role="status">
          {done.value && "Changed. Your other logins have ended."}
        </p>
      </div>
    </form>
  );
}
