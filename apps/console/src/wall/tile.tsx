import { useComputed } from "@preact/signals";
import { LiveCanvas } from "../live/live-canvas.tsx";
import { cameraPath } from "../routing/route.ts";
import { DarkNotice } from "../shell/dark-notice.tsx";
import type { CameraState } from "../state/cameras.ts";
import { figures } from "../state/recent-samples.ts";
import { stateName } from "../words/names.ts";
import { formatFps, formatMs, formatShare } from "../words/numbers.ts";

/** A camera on the wall: its live picture, how it does, and why it does not. */
export function Tile({ state }: { state: CameraState }) {
  const look = useComputed(() => {
    const { status, findings } = state.camera.value;
    if (status.state === "down") return "error";
    if (status.state !== "live") return "info";
    return findings.some((finding) => finding.level !== "ok") ? "warning" : "ok";
  });
  const dark = state.camera.value.status.state !== "live";
  return (
    <li
      class={`tile ${look.value}`}
      data-testid={`tile-${state.id}`}
      data-state={state.camera.value.status.state}
    >
      <div class="tile-picture">
        <LiveCanvas state={state} label={`Live picture of camera ${state.id}`} />
        {dark && <DarkNotice status={state.camera.value.status} />}
      </div>
      <div class="tile-foot">
        <h2 class="tile-name">
          <a href={cameraPath(state.id)}>{state.id}</a>
        </h2>
        <span class={`state ${look.value}`}>{stateName(state.camera.value.status.state)}</span>
        <TileFigures state={state} />
      </div>
    </li>
  );
}

function TileFigures({ state }: { state: CameraState }) {
  const now = figures(state.samples.value);
  const live = state.camera.value.status.state === "live";
  return (
    <dl class="tile-figures">
      <div title="Frames analysed per second">
        <dt>fps</dt>
        <dd>{now && live ? formatFps(now.inferredFps) : "–"}</dd>
      </div>
      <div title="From capture to delivery; 95 of 100 frames are faster">
        <dt>p95</dt>
        <dd>{now?.latency && live ? formatMs(now.latency.p95) : "–"}</dd>
      </div>
      <div title="Frames that should have been analysed and were not">
        <dt>lost</dt>
        <dd class={now && live && now.dropRate >= 0.05 ? "bad" : ""}>
          {now && live ? formatShare(now.dropRate) : "–"}
        </dd>
      </div>
    </dl>
  );
}
