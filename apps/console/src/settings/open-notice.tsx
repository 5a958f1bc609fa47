import { useSignal } from "@preact/signals";
import { createUser, login } from "../api/access-calls.ts";
import { Field } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { refreshAuth } from "../state/auth.ts";
import { useAction } from "../state/use-request.ts";
import { PasswordField } from "./access-fields.tsx";

/** A server without users is open to everyone who can reach it; creating the first administrator closes it. */
export function OpenNotice() {
  const name = useSignal("admin");
  const password = useSignal("");
  const { busy, fault, run } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    const user = name.value.trim();
    void run(async () => {
      await createUser({ name: user, role: "admin", cameras: ["*"], password: password.value });
      await login(user, password.value);
      await refreshAuth();
    });
  };
  return (
    <section class="panel" aria-labelledby="open-title">
      <h2 id="open-title">This server is open</h2>
      <p class="settings-words">
        There is no user, so everybody who reaches this address may do everything. That is why the server only
        listens on this machine. Add the first administrator, and from then on everybody logs in: here, on the
        command line (<code>./sightline login</code>) and in programs (with a token).
      </p>
      <form class="settings-form" onSubmit={submit}>
        <div class="form-row">
          <Field id="first-name" label="User">
            <input
              id="first-name"
              name="username"
              autoComplete="username"
              spellcheck={false}
              maxLength={63}
              required
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </Field>
          <PasswordField
            id="first-password"
            label="Password"
            value={password.value}
            onInput={(text) => (password.value = text)}
          />
        </div>
        <Fault text={fault.value} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy.value}>
            Add the first administrator
          </button>
        </div>
      </form>
    </section>
  );
}
