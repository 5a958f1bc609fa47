import { computed, effect, signal } from "@preact/signals";
import type { HttpAuth, RoleName } from "@sightline/contracts";
import { Backoff } from "@sightline/contracts/backoff";
import { getAuth } from "../api/access-calls.ts";
import { describeFailure, onUnauthenticated, retryRange } from "../api/request.ts";

/** The user of this browser, and the ways to log in; undefined until the server has answered. */
export const auth = signal<HttpAuth | undefined>(undefined);

/** Why the server could not be asked; empty when it answered. */
export const authFault = signal("");

/** The roles; each may do all that the roles before it may do. */
export const roles: readonly RoleName[] = ["viewer", "operator", "admin"];

/** The current user; on a server without users everybody is an administrator. */
export const me = computed(() => {
  const now = auth.value;
  return now?.open ? { name: "", role: "admin" as const, cameras: ["*"] } : now?.user;
});

/** The last user: a page that outlives its login does not change. */
const last = signal(me.peek());
effect(() => {
  if (me.value) last.value = me.value;
});

/** Whether the current or last user may do what needs this role. Follows the login when called while rendering. */
export function may(role: RoleName): boolean {
  return last.value !== undefined && roles.indexOf(last.value.role) >= roles.indexOf(role);
}

/** Whether the current user may add a camera under some name: access by labels does not allow it. */
export function mayAddCamera(): boolean {
  return may("operator") && last.value!.cameras.some((pattern) => !pattern.includes("="));
}

let asking: Promise<void> | undefined;

/** Asks the server who is logged in. If it does not answer, the known state stays. */
export function refreshAuth(): Promise<void> {
  asking ??= ask().finally(() => {
    asking = undefined;
  });
  return asking;
}

async function ask(): Promise<void> {
  try {
    auth.value = await getAuth();
    authFault.value = "";
  } catch (error) {
    authFault.value = describeFailure(error);
  }
}

/** Asks until the server has said who is logged in. */
export async function startAuth(): Promise<void> {
  const backoff = new Backoff(retryRange);
  for (;;) {
    await refreshAuth();
    if (auth.peek() !== undefined) return;
    await new Promise((again) => setTimeout(again, backoff.fail()));
  }
}

interface LoginChanges {
  onLogin(): void;
  onLogout(): void;
  /** Another user is logged in, or the user's rights have changed: earlier data is not meant for them. */
  onOther(): void;
}

/** Calls these functions when somebody logs in or is logged out, for any reason. */
export function followLogin({ onLogin, onLogout, onOther }: LoginChanges): void {
  let now: string | undefined;
  let before: string | undefined;
  effect(() => {
    const next = me.value && JSON.stringify(me.value);
    if (next === now) return;
    now = next;
    if (next === undefined) onLogout();
    else if (before !== undefined && next !== before) onOther();
    else onLogin();
    before = next ?? before;
  });
}

onUnauthenticated(() => void refreshAuth());
