import { createCamera } from "../api/calls.ts";
import { navigate } from "../routing/navigation.ts";
import { cameraPath } from "../routing/route.ts";
import { Page } from "../shell/page.tsx";
import { updateCameraState } from "../state/cameras.ts";
import { keepWarnings } from "../state/warnings.ts";
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
          const { warnings, ...camera } = await createCamera(body);
          updateCameraState(camera);
          keepWarnings(values.id, warnings);
          navigate(cameraPath(values.id));
        }}
      />
    </Page>
  );
}
