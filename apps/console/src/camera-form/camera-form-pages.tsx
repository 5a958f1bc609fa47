import { useSignal } from "@preact/signals";
import type { HttpCamera } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { createCamera, getCamera, updateCamera } from "../api/calls.ts";
import { describeFailure, RequestError } from "../api/request.ts";
import { keepWarnings } from "../camera/findings.tsx";
import { navigate } from "../routing/navigation.ts";
import { cameraPath } from "../routing/route.ts";
import { Page } from "../shell/page.tsx";
import { updateCameraState } from "../state/cameras.ts";
import { CameraForm } from "./camera-form.tsx";
import {
  changedSettings,
  emptyForm,
  type FormValues,
  formOf,
  mergeForms,
  settingsOf,
} from "./form-values.ts";

/** A camera as it was fetched, and the form's initial values. */
interface Editing {
  camera: HttpCamera;
  initial: FormValues;
  /** Someone else has changed the camera since the last fetch. */
  conflict: boolean;
}

/** Changes a camera's settings. */
export function EditCameraPage({ id }: { id: string }) {
  const editing = useSignal<Editing | undefined>(undefined);
  const fault = useSignal("");

  useEffect(() => {
    const aborted = new AbortController();
    getCamera(id, aborted.signal).then(
      (camera) => {
        editing.value = { camera, initial: formOf(camera), conflict: false };
      },
      (error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      },
    );
    return () => aborted.abort();
  }, []);

  const save = async (before: HttpCamera, values: FormValues) => {
    const changes = changedSettings(formOf(before), values);
    try {
      if (Object.keys(changes).length > 0) {
        const { warnings, ...camera } = await updateCamera(id, changes, before.etag);
        updateCameraState(camera);
        keepWarnings(id, warnings);
      }
    } catch (error) {
      if (!(error instanceof RequestError && error.code === "etag_mismatch")) throw error;
      const theirs = await getCamera(id);
      const initial = mergeForms(formOf(before), values, formOf(theirs));
      editing.value = { camera: theirs, initial, conflict: true };
      return;
    }
    navigate(cameraPath(id));
  };

  const now = editing.value;
  return (
    <Page title={`Edit ${id}`}>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value} <a href="/">All cameras</a>
        </p>
      )}
      {now?.conflict && (
        <p class="fault" role="alert">
          Not saved: someone else has changed this camera meanwhile. Below are their settings with your
          changes; look them through, and save again.
        </p>
      )}
      {now && (
        <CameraForm
          key={now.camera.etag}
          initial={now.initial}
          isNew={false}
          hasCredentials={now.camera.hasCredentials}
          hasRecordCredentials={now.camera.hasRecordCredentials}
          cancelTo={cameraPath(id)}
          save={(values) => save(now.camera, values)}
        />
      )}
    </Page>
  );
}

/** Registers a camera. */
export function AddCameraPage() {
  return (
    <Page title="Add a camera">
      <CameraForm
        initial={emptyForm}
        isNew
        cancelTo="/"
        save={async (values) => {
          const { model, ...settings } = settingsOf(values);
          const body = { id: values.id, ...settings, ...(model === "" ? {} : { model }) };
          const { warnings, ...camera } = await createCamera(body);
          updateCameraState(camera);
          keepWarnings(values.id, warnings);
          navigate(cameraPath(values.id));
        }}
      />
    </Page>
  );
}
