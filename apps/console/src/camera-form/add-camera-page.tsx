import { createCamera } from "../api/calls.ts";
import { navigate } from "../routing/navigation.ts";
import { cameraPath } from "../routing/route.ts";
import { Page } from "../shell/page.tsx";
import { updateCameraState } from "../state/cameras.ts";
import { CameraForm } from "./camera-form.tsx";
import { emptyForm, settingsOf } from "./form-values.ts";

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
          updateCameraState(await createCamera(body));
          navigate(cameraPath(values.id));
        }}
      />
    </Page>
  );
}
