import { cameraPath } from "../routing/route.ts";
import { StatusIcon } from "../shell/status-icon.tsx";
import type { CameraState } from "../state/cameras.ts";

/** Cameras with which something is the matter, and what. */
export function CameraFindings({ cameras }: { cameras: readonly CameraState[] }) {
  const rows = cameras.flatMap((state) =>
    state.camera.value.findings
      .filter((finding) => finding.level !== "ok")
      .map((finding) => ({ id: state.id, ...finding })),
  );
  if (rows.length === 0) return null;
  return (
    <>
      <h3>By camera</h3>
      <ul class="findings">
        {rows.map(({ id, level, text, fix }) => (
          <li key={`${id} ${text}`} class={level}>
            <StatusIcon level={level} />
            <div>
              <p>
                <a href={cameraPath(id)}>{id}</a>: {text}
              </p>
              {fix !== "" && <p class="fix">{fix}</p>}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
