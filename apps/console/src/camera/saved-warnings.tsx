import { useEffect } from "preact/hooks";
import { keepWarnings, warnings } from "../state/warnings.ts";
import { sentence } from "../words/names.ts";

/** What the server said when the camera was saved, until its page is left. */
export function SavedWarnings({ camera }: { camera: string }) {
  useEffect(() => () => keepWarnings(camera, []), [camera]);
  if (warnings.value?.camera !== camera) return null;
  return (
    <>
      {warnings.value.texts.map((text) => (
        <p key={text} class="model-notice" role="status" data-testid="saved-warning">
          {sentence(`saved, but ${text}`)}
        </p>
      ))}
    </>
  );
}
