import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { deleteCamera } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { navigate } from "../routing/navigation.ts";
import { removeCameraState } from "../state/cameras.ts";

/** A button that deletes a camera after a confirmation. */
export function DeleteCamera({ id }: { id: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const busy = useSignal(false);
  const fault = useSignal("");

  const remove = async () => {
    busy.value = true;
    fault.value = "";
    try {
      await deleteCamera(id);
      dialog.current?.close();
      removeCameraState(id);
      navigate("/");
    } catch (error) {
      fault.value = describeFailure(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby="delete-title">
        <h2 id="delete-title">Delete camera {id}?</h2>
        <p>
          Its settings, zones and rules are lost. Events and pictures that are stored already stay until they
          expire.
        </p>
        {fault.value !== "" && (
          <p class="fault" role="alert">
            {fault.value}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="danger primary" disabled={busy.value} onClick={remove}>
            Delete camera
          </button>
        </div>
      </dialog>
    </>
  );
}
