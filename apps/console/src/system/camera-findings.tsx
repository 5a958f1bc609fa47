import { cameraPath } from "../routing/route.ts";
import { StatusIcon } from "../shell/status-icon.tsx";
import type { CameraState } from "../state/cameras.ts";
import { type FindingGroup, groupFindings } from "../words/names.ts";
import { plural } from "../words/numbers-and-times.ts";

/** More cameras than this are listed only on request. */
const mostListed = 8;

/** Cameras with findings: one entry for all cameras with the same problem. */
export function CameraFindings({ cameras }: { cameras: readonly CameraState[] }) {
  const groups = groupFindings(
    cameras.map((state) => state.camera.value),
    (findings) => findings.filter(({ level }) => level !== "ok"),
  ).sort((a, b) => Number(b.finding.level === "error") - Number(a.finding.level === "error"));
  if (groups.length === 0) return null;
  return (
    <>
      <h3>By camera</h3>
      <ul class="findings" data-testid="camera-findings">
        {groups.map((group) => (
          <Group key={`${group.finding.level} ${group.finding.fix}`} group={group} />
        ))}
      </ul>
    </>
  );
}

function Group({ group: { finding, cameras } }: { group: FindingGroup }) {
  const { level, text, fix } = finding;
  const [first, ...others] = cameras;
  const alike = cameras.every((camera) => camera.text === text);
  return (
    <li class={level}>
      <StatusIcon level={level} />
      <div>
        {others.length === 0 ? (
          <p>
            {first && <CameraLink id={first.id} />}: {text}
          </p>
        ) : (
          <p>
            <b>{plural(cameras.length, "camera")}</b>
            {alike ? `: ${text}` : `, such as ${first?.id}: ${text}`}
          </p>
        )}
        {fix !== "" && <p class="fix">{fix}</p>}
        {others.length > 0 && cameras.length <= mostListed && <CameraLinks cameras={cameras} />}
        {cameras.length > mostListed && (
          <details>
            <summary>Which cameras</summary>
            <CameraLinks cameras={cameras} />
          </details>
        )}
      </div>
    </li>
  );
}

function CameraLinks({ cameras }: Pick<FindingGroup, "cameras">) {
  return (
    <ul class="camera-links">
      {cameras.map(({ id, text }) => (
        <li key={id} title={text}>
          <CameraLink id={id} />
        </li>
      ))}
    </ul>
  );
}

function CameraLink({ id }: { id: string }) {
  return <a href={cameraPath(id)}>{id}</a>;
}
