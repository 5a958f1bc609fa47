import { useSignal } from "@preact/signals";
import type { HttpUser } from "@sightline/contracts";
import { deleteUser, listUsers } from "../api/access-calls.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { DataTable } from "../shell/data-table.tsx";
import { Fault } from "../shell/notices.tsx";
import { me } from "../state/auth.ts";
import { useFetched } from "../state/use-request.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";
import { camerasName } from "./access-words.ts";
import { UserDialog } from "./user-dialog.tsx";

/** All users, for administrators. */
export function Users() {
  const { value, fault, reload } = useFetched(listUsers);
  /** The user being changed; "new" while one is added. */
  const editing = useSignal<HttpUser | "new" | undefined>(undefined);
  const removing = useSignal<HttpUser | undefined>(undefined);
  return (
    <section class="panel" aria-labelledby="users-title">
      <div class="panel-head">
        <h2 id="users-title">Users</h2>
        <button type="button" onClick={() => (editing.value = "new")}>
          Add a user
        </button>
      </div>
      <Fault text={fault.value} />
      <DataTable
        label="Table of users"
        testId="users"
        columns={["User", "Role", "Cameras", "Logs in with", "Last login"]}
        buttons="Changes"
      >
        {value.value?.users.map((user) => (
          <tr key={user.name}>
            <th scope="row">
              {user.name}
              {user.name === me.value?.name && <span class="tag">you</span>}
            </th>
            <td data-label="Role">{user.role}</td>
            <td data-label="Cameras" class="breaks">
              {camerasName(user.cameras)}
            </td>
            <td data-label="Logs in with">{user.hasPassword ? "password" : "login provider"}</td>
            <td data-label="Last login">
              {user.lastLoginTime ? formatFullTime(user.lastLoginTime) : "never"}
            </td>
            <td>
              <div class="buttons">
                <button
                  type="button"
                  aria-label={`Change user ${user.name}`}
                  onClick={() => (editing.value = user)}
                >
                  Change
                </button>
                <button
                  type="button"
                  class="danger"
                  aria-label={`Remove user ${user.name}`}
                  onClick={() => (removing.value = user)}
                >
                  Remove
                </button>
              </div>
            </td>
          </tr>
        ))}
      </DataTable>
      {editing.value && (
        <UserDialog
          user={editing.value === "new" ? undefined : editing.value}
          onSaved={reload}
          onClose={() => (editing.value = undefined)}
        />
      )}
      {removing.value && (
        <RemoveUser
          name={removing.value.name}
          onRemoved={reload}
          onClose={() => (removing.value = undefined)}
        />
      )}
    </section>
  );
}

interface Props {
  name: string;
  onRemoved: () => void;
  onClose: () => void;
}

/** Removes a user after a confirmation. */
function RemoveUser({ name, onRemoved, onClose }: Props) {
  return (
    <ConfirmDialog
      title={`Remove user ${name}?`}
      yes="Remove the user"
      no="Keep"
      onConfirm={async () => {
        await deleteUser(name);
        onRemoved();
      }}
      onClose={onClose}
    >
      <p>Logins and tokens of this user end at once.</p>
    </ConfirmDialog>
  );
}
