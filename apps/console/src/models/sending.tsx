import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { OnSent } from "../api/model-calls.ts";
import { describeFailure } from "../api/request.ts";
import { Field } from "../shell/field.tsx";
import { formatBytes } from "../words/numbers-and-times.ts";

/** Files that are being sent to the server. */
export interface Sending {
  /** Undefined when nothing is being sent. */
  sent: { done: number; total: number } | undefined;
  /** Why the last attempt failed; empty when it succeeded or was stopped. */
  fault: string;
  /** Sends; resolves with whether everything was sent. */
  run: (send: (onSent: OnSent, signal: AbortSignal) => Promise<unknown>) => Promise<boolean>;
  stop: () => void;
}

/** Sends files; leaving the page stops it. */
export function useSending(): Sending {
  const sent = useSignal<Sending["sent"]>(undefined);
  const fault = useSignal("");
  const stopping = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stopping.current?.abort(), []);
  const run: Sending["run"] = async (send) => {
    const controller = new AbortController();
    stopping.current = controller;
    sent.value = { done: 0, total: 1 };
    fault.value = "";
    try {
      await send((done, total) => (sent.value = { done, total }), controller.signal);
      return true;
    } catch (error) {
      if (!controller.signal.aborted) fault.value = describeFailure(error);
      return false;
    } finally {
      sent.value = undefined;
    }
  };
  return { sent: sent.value, fault: fault.value, run, stop: () => stopping.current?.abort() };
}

/** Progress of sending, and a button to stop it. */
export function SendingBar({ sending }: { sending: Sending }) {
  if (!sending.sent) return null;
  const { done, total } = sending.sent;
  return (
    <div class="sending">
      <progress aria-label="Files that are sent" value={done} max={total} />
      <p class="note">
        {formatBytes(done)} of {formatBytes(total)}
      </p>
      <button type="button" onClick={sending.stop}>
        Stop sending
      </button>
    </div>
  );
}

interface FileProps {
  id: string;
  label: string;
  hint: string;
  accept: string;
  onPick: (file: File | undefined) => void;
}

/** A required field for a file to send. */
export function FileField({ id, label, hint, accept, onPick }: FileProps) {
  return (
    <Field id={id} label={label} hint={hint}>
      <input
        id={id}
        type="file"
        accept={accept}
        required
        aria-describedby={`${id}-hint`}
        onChange={(event) => onPick(event.currentTarget.files?.[0])}
      />
    </Field>
  );
}
