import { computed, effect, signal } from "@preact/signals";
import type { HttpAuth, RoleName } from "@sightline/contracts";
import { Backoff } from "@sightline/contracts/backoff";
import { getAuth } from "../api/access-calls.ts";
import { describeFailure, onUnauthenticated, retryRange } from "../api/request.ts";

/** Who is at this browser, and how one logs in; undefined until the server has told. */
export const auth = signal<HttpAuth | undefined>(undefined);

/** Why the server could not be asked; empty when it could. */
export const authFault = signal("");

/** The roles, each of which may do all that the ones before it may. */
export const roles: readonly RoleName[] = ["viewer", "operator", "admin"];

/** Who is logged in; on a server without users everybody is its administrator. */
export const me = computed(() => {
  const now = auth.value;
  return now?.open ? { name: "", role: "admin" as const, cameras: ["*"] } : now?.user;
});

/** Who was logged in last: a page that outlasts its login stays what it is. */
const last = signal(me.peek());
effect(() => {
  if (me.value) last.value = me.value;
});

/** Whether who is logged in, or was last, may do what needs this role. Follows the login when called while rendering. */
export function may(role: RoleName): boolean {
  return last.value !== undefined && roles.indexOf(last.value.role) >= roles.indexOf(role);
}

/** Whether who is logged in may make a camera of some name: labels give none to make. */
export function mayAddCamera(): boolean {
  return may("operator") && last.value!.cameras.some((pattern) => !pattern.includes("="));
}

let asking: Promise<void> | undefined;

/** Asks the server who is logged in. A server that does not answer leaves what is known. */
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

/** Asks until the server has told who is logged in. */
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
  /** Somebody else is logged in, or may do other things than before: what was fetched before is not for them. */
  onOther(): void;
}

/** Tells when somebody logs in or is logged out, by whatever cause. */
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
