import { useSignal } from "@preact/signals";
import { getRules, putRules } from "../api/calls.ts";
import { describeFailure, RequestError } from "../api/request.ts";
import { setRules } from "../state/cameras.ts";
import { plural } from "../words/numbers.ts";
import { serverFaults } from "./check-draft.ts";
import { bodyOf } from "./rules-body.ts";
import { draftOf } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";

/** Codes with which the server refuses rules themselves. */
const refusals = new Set(["rules_invalid", "invalid_argument"]);

/** Saves the rules, or says why they cannot be; helps when someone else has changed them meanwhile. */
export function SaveBar({ id, editing }: { id: string; editing: RulesEditing }) {
  const busy = useSignal(false);
  const fault = useSignal("");
  const conflict = useSignal(false);
  const saved = useSignal(false);
  const faults = editing.faults.value;
  const changed = editing.changed.value;

  const attempt = async (work: () => Promise<void>) => {
    busy.value = true;
    fault.value = "";
    saved.value = false;
    try {
      await work();
      conflict.value = false;
    } catch (error) {
      if (error instanceof RequestError && error.code === "etag_mismatch") conflict.value = true;
      else if (error instanceof RequestError && refusals.has(error.code))
        editing.refused.value = serverFaults(error.message, editing.draft.peek());
      else fault.value = describeFailure(error);
    } finally {
      busy.value = false;
    }
  };
  /** @param etagOf version that may be replaced */
  const save = (etagOf: () => string | Promise<string>) => {
    // What is being drawn is meant to be saved too; and it may turn out to be wrong.
    if (!editing.closeSketch() || editing.faults.peek().length > 0) return;
    return attempt(async () => {
      const sent = editing.draft.peek();
      const rules = await putRules(id, { ...bodyOf(sent), etag: await etagOf() });
      setRules(id, rules);
      editing.settle(sent, draftOf(rules));
      saved.value = true;
    });
  };
  const takeTheirs = () =>
    attempt(async () => {
      const theirs = draftOf(await getRules(id));
      editing.dropSketch();
      editing.restart(theirs);
    });
  const overwrite = () => save(async () => (await getRules(id)).etag);

  return (
    <div class="save-bar">
      <div class="save-words" role="status">
        {fault.value !== "" && <p class="fault">{fault.value}</p>}
        {editing.openFault.value !== "" && <p class="fault">{editing.openFault.value}</p>}
        {conflict.value && <p class="fault">Someone else has changed these rules meanwhile.</p>}
        {editing.refused.value
          .filter(({ key }) => key === "")
          .map(({ message }) => (
            <p key={message} class="fault">
              {message}
            </p>
          ))}
        {faults.length > 0 && (
          <p class="fault">{plural(faults.length, "thing")} to put right before it can be saved.</p>
        )}
        {faults.length === 0 && !conflict.value && fault.value === "" && (
          <p class="note">
            {changed
              ? "Not saved yet."
              : saved.value
                ? "Saved; in force from the next frame."
                : "No changes."}
          </p>
        )}
      </div>
      <div class="buttons">
        {conflict.value && (
          <>
            <button type="button" disabled={busy.value} onClick={takeTheirs}>
              Load their version
            </button>
            <button type="button" class="danger" disabled={busy.value} onClick={overwrite}>
              Overwrite with mine
            </button>
          </>
        )}
        <button type="button" disabled={!editing.canUndo.value} onClick={() => editing.undo()}>
          Undo
        </button>
        <button
          type="button"
          class="primary"
          disabled={busy.value || !changed || faults.length > 0}
          onClick={() => save(() => editing.draft.peek().etag)}
        >
          Save rules
        </button>
      </div>
    </div>
  );
}
