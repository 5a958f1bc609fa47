import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../shell/copy-button.tsx";

interface Props {
  name: string;
  token: string;
  onDone: () => void;
}

/** A token that has just been made: shown this once, to be copied. */
export function NewToken({ name, token, onDone }: Props) {
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
