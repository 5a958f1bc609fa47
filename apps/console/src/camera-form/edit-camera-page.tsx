import { useSignal } from "@preact/signals";
import type { HttpCamera } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { getCamera, updateCamera } from "../api/calls.ts";
import { describeFailure, RequestError } from "../api/request.ts";
import { navigate } from "../routing/navigation.ts";
import { cameraPath } from "../routing/route.ts";
import { Page } from "../shell/page.tsx";
import { updateCameraState } from "../state/cameras.ts";
import { CameraForm } from "./camera-form.tsx";
import { changedSettings, type FormValues, formOf } from "./form-values.ts";

/** Changes a camera's settings. */
export function EditCameraPage({ id }: { id: string }) {
  const camera = useSignal<HttpCamera | undefined>(undefined);
  const fault = useSignal("");
  const conflict = useSignal(false);

  const load = (signal?: AbortSignal) =>
    getCamera(id, signal).then(
      (loaded) => {
        camera.value = loaded;
        conflict.value = false;
      },
      (error) => {
        if (!signal?.aborted) fault.value = describeFailure(error);
      },
    );
  useEffect(() => {
    const aborted = new AbortController();
    void load(aborted.signal);
    return () => aborted.abort();
  }, []);

  const save = async (before: HttpCamera, values: FormValues) => {
    const changes = changedSettings(formOf(before), values);
    try {
      if (Object.keys(changes).length > 0) updateCameraState(await updateCamera(id, changes, before.etag));
      navigate(cameraPath(id));
    } catch (error) {
      conflict.value = error instanceof RequestError && error.code === "etag_mismatch";
      throw error;
    }
  };

  const now = camera.value;
  return (
    <Page title={`Edit ${id}`}>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value} <a href="/">All cameras</a>
        </p>
      )}
      {conflict.value && (
        <p class="fault">
          Someone else has changed this camera meanwhile.{" "}
          <button type="button" onClick={() => load()}>
            Load their version
          </button>
        </p>
      )}
      {now && (
        <CameraForm
          key={now.etag}
          initial={formOf(now)}
          isNew={false}
          hasCredentials={now.hasCredentials}
          cancelTo={cameraPath(id)}
          save={(values) => save(now, values)}
        />
      )}
    </Page>
  );
}
