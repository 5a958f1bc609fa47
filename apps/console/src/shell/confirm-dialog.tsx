import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useAction } from "../state/use-request.ts";
import { Fault } from "./notices.tsx";

interface Props {
  title: string;
  yes: string;
  no: string;
  /** Performs the action; an error is shown, and the dialog stays open. */
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}

/** Asks for confirmation before an action that cannot be undone. */
export function ConfirmDialog({ title, yes, no, onConfirm, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const { busy, fault, run } = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      <Fault text={fault.value} />
      <div class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          {no}
        </button>
        <button
          type="button"
          class="danger primary"
          disabled={busy.value}
          onClick={async () => {
            if (await run(onConfirm)) dialog.current?.close();
          }}
        >
          {yes}
        </button>
      </div>
    </dialog>
  );
}
