import { useSignal } from "@preact/signals";
import type { HttpToken } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { deleteToken, listTokens } from "../api/access-calls.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { CopyButton } from "../shell/copy-button.tsx";
import { DataTable } from "../shell/data-table.tsx";
import { Fault } from "../shell/notices.tsx";
import { may } from "../state/auth.ts";
import { useFetched } from "../state/use-request.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";
import { camerasName } from "./access-words.ts";
import { TokenDialog } from "./token-dialog.tsx";

/** Tokens for programs: the user's own; for administrators all. */
export function Tokens() {
  const { value, fault, reload } = useFetched(listTokens);
  const isMaking = useSignal(false);
  const made = useSignal<{ name: string; token: string } | undefined>(undefined);
  const revoking = useSignal<HttpToken | undefined>(undefined);
  const tokens = value.value?.tokens;
  return (
    <section class="panel" aria-labelledby="tokens-title">
      <div class="panel-head">
        <h2 id="tokens-title">{may("admin") ? "Tokens" : "Your tokens"}</h2>
        <button type="button" onClick={() => (isMaking.value = true)}>
          Make a token
        </button>
      </div>
      <p class="note">For programs: the command line, the SDK, Prometheus, and whatever calls the API.</p>
      <Fault text={fault.value} />
      {made.value && <NewToken {...made.value} onDone={() => (made.value = undefined)} />}
      {tokens?.length === 0 && <p class="note">There is none.</p>}
      {tokens && tokens.length > 0 && (
        <DataTable
          label="Table of tokens"
          testId="tokens"
          columns={["Token", "User", "Role", "Cameras", "Made", "Ends", "Last used"]}
          buttons="Changes"
        >
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td data-label="User">{token.user ?? "none"}</td>
              <td data-label="Role">{token.role}</td>
              <td data-label="Cameras" class="breaks">
                {camerasName(token.cameras)}
              </td>
              <td data-label="Made">{formatFullTime(token.createTime)}</td>
              <td data-label="Ends">{endOf(token)}</td>
              <td data-label="Last used">
                {token.lastUseTime ? formatFullTime(token.lastUseTime) : "never"}
              </td>
              <td>
                <button
                  type="button"
                  class="danger"
                  aria-label={`Revoke token ${token.name}`}
                  onClick={() => (revoking.value = token)}
                >
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      {isMaking.value && (
        <TokenDialog
          onMade={(token) => {
            made.value = token;
            reload();
          }}
          onClose={() => (isMaking.value = false)}
        />
      )}
      {revoking.value && (
        <ConfirmDialog
          title={`Revoke token ${revoking.value.name}?`}
          yes="Revoke the token"
          no="Keep"
          onConfirm={async () => {
            if (revoking.value) await deleteToken(revoking.value.id);
            reload();
          }}
          onClose={() => (revoking.value = undefined)}
        >
          <p>Programs that use it are refused from now on, and their open streams end.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function endOf({ expireTime }: HttpToken): string {
  if (!expireTime) return "when revoked";
  const text = formatFullTime(expireTime);
  return Date.parse(expireTime) < Date.now() ? `ended ${text}` : text;
}

interface Props {
  name: string;
  token: string;
  onDone: () => void;
}

/** A new token: shown only this once, to be copied. */
function NewToken({ name, token, onDone }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), [token]);
  return (
    <div class="new-token" data-testid="new-token">
      <label for="new-token">
        Token “{name}”. It is shown only now: copy it and keep it like a password.
      </label>
      <div class="new-token-line">
        <input
          ref={field}
          id="new-token"
          readOnly
          value={token}
          spellcheck={false}
          onFocus={(event) => event.currentTarget.select()}
        />
        <CopyButton text={token} label="Copy" primary />
        <button type="button" onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  );
}
