import { useSignal } from "@preact/signals";
import { logout } from "../api/access-calls.ts";
import { describeFailure } from "../api/request.ts";
import { mayLeave, startOver } from "../routing/navigation.ts";
import { auth, me } from "../state/auth.ts";

/** Shows who is logged in, and a way to log out. */
export function UserMenu() {
  const fault = useSignal("");
  const user = me.value;
  if (!user) return null;
  if (auth.value?.open)
    return (
      <a class="user-open" href="/settings">
        Open: no login
      </a>
    );
  const leave = async () => {
    if (!mayLeave()) return;
    try {
      await logout();
      startOver("/");
    } catch (error) {
      fault.value = describeFailure(error);
    }
  };
  return (
    <div class="user">
      <button type="button" class="quiet" popovertarget="user-menu">
        <span class="user-name">{user.name}</span>
      </button>
      <div id="user-menu" class="user-menu" popover>
        <p>
          <b>{user.name}</b> <span class="tag">{user.role}</span>
        </p>
        <a href="/settings">Password and tokens</a>
        {fault.value !== "" && (
          <p class="fault" role="alert">
            {fault.value}
          </p>
        )}
        <button type="button" onClick={leave}>
          Log out
        </button>
      </div>
    </div>
  );
}
