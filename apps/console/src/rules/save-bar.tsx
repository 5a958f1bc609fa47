import { useSignal } from "@preact/signals";
import { getCamera, getRules, putRules } from "../api/calls.ts";
import { describeFailure, RequestError } from "../api/request.ts";
import { setRules, updateCameraState } from "../state/cameras.ts";
import { plural } from "../words/numbers-and-times.ts";
import { maskFaults, serverFaults } from "./check-draft.ts";
import { maskShapes, saveMasks } from "./privacy-masks.ts";
import { bodyOf } from "./rules-body.ts";
import { type DraftPart, draftOf, type RulesDraft } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";

/** Error codes with which the server refuses the rules or masks themselves. */
const refusals = new Set(["rules_invalid", "invalid_argument"]);

/** Names of the parts, and what saving them means. */
const parts: Readonly<Record<DraftPart, { name: string; button: string; saved: string }>> = {
  rules: { name: "rules", button: "rules", saved: "in force from the next frame" },
  masks: { name: "privacy masks", button: "masks", saved: "masked from the next picture on" },
};

/**
 * Saves rules and privacy masks, each separately, or says which cannot be saved and why; helps when someone else has changed them in the
 * meantime.
 */
export function SaveBar({ id, editing }: { id: string; editing: RulesEditing }) {
  const busy = useSignal(false);
  const problems = useSignal<readonly string[]>([]);
  const conflicts = useSignal<readonly DraftPart[]>([]);
  /** The parts that the last attempt saved. */
  const saved = useSignal<readonly DraftPart[]>([]);
  const faults = editing.faults.value;
  const changed = editing.changed.value;
  const changedParts = editing.changedParts.value;

  const attempt = async (work: () => Promise<void>) => {
    busy.value = true;
    problems.value = [];
    saved.value = [];
    try {
      await work();
    } finally {
      busy.value = false;
    }
  };
  /** Saves one part; its failure does not prevent the other part from being saved. */
  const attemptPart = async (part: DraftPart, sent: RulesDraft, work: () => Promise<RulesDraft>) => {
    try {
      editing.settle(sent, await work(), [part]);
      saved.value = [...saved.value, part];
    } catch (error) {
      const code = error instanceof RequestError ? error.code : "";
      if (code === "etag_mismatch") conflicts.value = [...conflicts.value, part];
      else if (refusals.has(code)) {
        const { message } = error as RequestError;
        const read = part === "masks" ? maskFaults : serverFaults;
        editing.refused.value = [...editing.refused.peek(), ...read(message, sent)];
      } else problems.value = [...problems.value, notSaved(part, describeFailure(error))];
    }
  };
  /** @param overwritten parts that are replaced even if someone has changed them in the meantime */
  const save = (overwritten: readonly DraftPart[] = []) => {
    // The shape being drawn is to be saved too; and it may be faulty.
    if (!editing.closeSketch() || editing.faults.peek().length > 0) return;
    return attempt(async () => {
      const wanted = editing.changedParts.peek();
      let sent = editing.draft.peek();
      const base = editing.saved.peek();
      conflicts.value = [];
      if (wanted.includes("masks")) {
        const isForced = overwritten.includes("masks");
        await attemptPart("masks", sent, async () => {
          const camera = await saveMasks(id, sent, isForced ? undefined : base);
          updateCameraState(camera);
          return { ...sent, shapes: maskShapes(camera.privacyMasks) };
        });
        if (saved.value.includes("masks")) sent = editing.draft.peek();
      }
      if (wanted.includes("rules"))
        await attemptPart("rules", sent, async () => {
          const etag = overwritten.includes("rules") ? (await getRules(id)).etag : sent.etag;
          const rules = await putRules(id, { ...bodyOf(sent), etag });
          setRules(id, rules);
          return draftOf(rules);
        });
    });
  };
  const takeTheirs = () =>
    attempt(async () => {
      const wanted = conflicts.value;
      try {
        const [rules, camera] = await Promise.all([getRules(id), getCamera(id)]);
        editing.dropSketch();
        editing.take(draftOf(rules, maskShapes(camera.privacyMasks)), wanted);
        conflicts.value = [];
      } catch (error) {
        problems.value = [describeFailure(error)];
      }
    });
  const left = changed ? "Not saved yet." : "No changes.";
  const words =
    saved.value.length === 0
      ? [left]
      : changed
        ? [...saved.value.map((part) => `The ${parts[part].name} are saved.`), "The rest is not."]
        : saved.value.map((part) => `Saved; ${parts[part].saved}.`);

  return (
    <div class="save-bar">
      <div class="save-words" role="status">
        {problems.value.map((problem) => (
          <p key={problem} class="fault">
            {problem}
          </p>
        ))}
        {editing.openFault.value !== "" && <p class="fault">{editing.openFault.value}</p>}
        {conflicts.value.map((part) => (
          <p key={part} class="fault">
            Someone else has changed these {parts[part].name} meanwhile.
          </p>
        ))}
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
        {faults.length === 0 &&
          (saved.value.length > 0 || (conflicts.value.length === 0 && problems.value.length === 0)) && (
            <p class="note">{words.join(" ")}</p>
          )}
      </div>
      <div class="buttons">
        {conflicts.value.length > 0 && (
          <>
            <button type="button" disabled={busy.value} onClick={takeTheirs}>
              Load their version
            </button>
            <button type="button" class="danger" disabled={busy.value} onClick={() => save(conflicts.value)}>
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
          onClick={() => save()}
        >
          Save {buttonWords(changedParts)}
        </button>
      </div>
    </div>
  );
}

function notSaved(part: DraftPart, why: string): string {
  return `The ${parts[part].name} are not saved. ${why}`;
}

/** What the button saves: the changed parts, or the rules, since a shape being drawn usually belongs to them. */
function buttonWords(changed: readonly DraftPart[]): string {
  const named = changed.map((part) => parts[part].button).toSorted();
  return named.length === 0 ? parts.rules.button : named.toReversed().join(" and ");
}
