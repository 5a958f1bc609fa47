import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getCamera, getRules } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { NoCamera } from "../camera/camera-page.tsx";
import { guardUnsaved } from "../routing/navigation.ts";
import { cameraPath } from "../routing/route.ts";
import { Page } from "../shell/page.tsx";
import { type CameraState, cameras, findCamera } from "../state/cameras.ts";
import { system, useSystem } from "../state/system.ts";
import { maskShapes } from "./privacy-masks.ts";
import { RuleList } from "./rule-list.tsx";
import { draftOf } from "./rules-draft.ts";
import { RulesEditing } from "./rules-editing.ts";
import { SaveBar } from "./save-bar.tsx";
import { SceneEditor } from "./scene-editor.tsx";
import { ShapeList } from "./shape-list.tsx";

/** Zones, lines, masks and rules of one camera, and its privacy masks. */
export function RulesPage({ id }: { id: string }) {
  const state = findCamera(id);
  if (!state) return <NoCamera id={id} known={cameras.value !== undefined} />;
  return (
    <Page
      title={`Zones and rules of ${id}`}
      className="rules-page"
      actions={
        <a class="button" href={cameraPath(id)}>
          Back to the camera
        </a>
      }
    >
      <Loaded state={state} />
    </Page>
  );
}

function Loaded({ state }: { state: CameraState }) {
  const editing = useSignal<RulesEditing | undefined>(undefined);
  const fault = useSignal("");
  useEffect(() => {
    const aborted = new AbortController();
    Promise.all([getRules(state.id, aborted.signal), getCamera(state.id, aborted.signal)]).then(
      ([rules, { privacyMasks }]) => {
        editing.value = new RulesEditing(draftOf(rules, maskShapes(privacyMasks)));
      },
      (error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      },
    );
    return () => aborted.abort();
  }, []);
  if (fault.value !== "")
    return (
      <p class="fault" role="alert">
        The rules could not be fetched. {fault.value}
      </p>
    );
  return editing.value ? (
    <Editor state={state} editing={editing.value} />
  ) : (
    <p class="note">Fetching the rules …</p>
  );
}

function Editor({ state, editing }: { state: CameraState; editing: RulesEditing }) {
  useSystem();
  useEffect(() => guardUnsaved(() => editing.changed.peek()), [editing]);
  const classes = useComputed(() => {
    const { model, classes } = state.camera.value;
    return classes.length > 0
      ? classes
      : (system.value?.models.find(({ name }) => name === model)?.classes ?? []);
  });
  return (
    <>
      <div class="rules-columns">
        <SceneEditor state={state} editing={editing} />
        <ShapeList editing={editing} />
      </div>
      <RuleList editing={editing} classes={classes.value} />
      <SaveBar id={state.id} editing={editing} />
    </>
  );
}
