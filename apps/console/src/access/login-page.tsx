import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { login } from "../api/access-calls.ts";
import { describeFailure } from "../api/request.ts";
import { route } from "../routing/navigation.ts";
import { Brand } from "../shell/header.tsx";
import { auth, refreshAuth } from "../state/auth.ts";

/** Asks for a login. The address does not change, so that the requested page appears afterwards. */
export function LoginPage() {
  const { password = true, oidc } = auth.value?.login ?? {};
  useEffect(() => {
    const before = document.title;
    document.title = "Log in · Sightline";
    return () => {
      document.title = before;
    };
  }, []);
  const told = route.value.page === "login" ? loginFault(route.value.fault) : "";
  return (
    <main class="login-page">
      <div class="login panel">
        <p class="login-brand">
          <Brand />
        </p>
        <h1>Log in</h1>
        {told !== "" && (
          <p class="fault" role="alert">
            {told}
          </p>
        )}
        {oidc && (
          <a class="button" href={`${oidc.url}?to=${encodeURIComponent(wanted())}`}>
            {oidc.label}
          </a>
        )}
        {password && <PasswordLogin />}
      </div>
    </main>
  );
}

/** The page to go to after the login. */
function wanted(): string {
  return route.value.page === "login" ? route.value.to : location.pathname + location.search;
}

function PasswordLogin() {
  const user = useSignal("");
  const password = useSignal("");
  const busy = useSignal(false);
  const fault = useSignal("");
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    fault.value = "";
    try {
      await login(user.value.trim(), password.value);
      await refreshAuth();
    } catch (error) {
      fault.value = describeFailure(error);
      password.value = "";
      second.current?.focus();
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="login-form" onSubmit={submit}>
      <div class="field">
        <label for="login-user">User</label>
        <input
          ref={first}
          id="login-user"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellcheck={false}
          required
          value={user.value}
          onInput={(event) => (user.value = event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="login-password">Password</label>
        <input
          ref={second}
          id="login-password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password.value}
          onInput={(event) => (password.value = event.currentTarget.value)}
        />
      </div>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
      <button type="submit" class="primary" disabled={busy.value}>
        Log in
      </button>
    </form>
  );
}

/** Why a login at the provider failed, by the code in the login page's address. */
const faults: Readonly<Record<string, string>> = {
  oidc_unavailable: "The login provider does not answer. Try again later, or log in with a password.",
  oidc_expired: "This login took too long or was begun in another window. Please start again.",
  oidc_refused: "The login provider did not let you in.",
  oidc_no_role: "You are known to the login provider, but have no role here. Ask an administrator.",
  oidc_name_taken:
    "A user of your name is here already who does not come from the login provider. Ask an administrator.",
  oidc_failed: "The login at the provider failed. The server's log says why.",
};

/** The message for a person who comes back from the login provider without a login; empty when there is none. */
function loginFault(code: string): string {
  return code === "" ? "" : (faults[code] ?? "The login failed. Please start again.");
}
