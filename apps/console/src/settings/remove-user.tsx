import { deleteUser } from "../api/access-calls.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";

interface Props {
  name: string;
  onRemoved: () => void;
  onClose: () => void;
}

/** Removes a user after it has asked. */
export function RemoveUser({ name, onRemoved, onClose }: Props) {
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
