import type { HttpProbe } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { reasonName, sentence } from "../words/names.ts";

interface Props {
  /** Result of the address test; undefined when there was none. */
  result: HttpProbe | undefined;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks whether to add a camera although nobody has seen a picture from it. */
export function ConfirmUntested({ result, onConfirm, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="untested-title" onClose={onClose}>
      <h2 id="untested-title">
        {result ? "The test of this address failed" : "This address has not been tested"}
      </h2>
      {result?.ok === false && (
        <p>
          {sentence(reasonName(result.reason))} {sentence(result.message)}
        </p>
      )}
      <p>
        The camera can be added all the same: it is tried again and again, and its page says why it gives no
        picture.
      </p>
      <div class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Back to the form
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            dialog.current?.close();
            onConfirm();
          }}
        >
          Add it anyway
        </button>
      </div>
    </dialog>
  );
}
