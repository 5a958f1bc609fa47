import type { CameraState } from "../state/cameras.ts";
import { stateName } from "../words/names.ts";
import { formatFps, formatMs, formatShare } from "../words/numbers.ts";

/** The few numbers that say how a camera does. */
export function CameraFigures({ state }: { state: CameraState }) {
  const { status, figures, targetFps, floorFps } = state.camera.value;
  const now = status.state === "live" ? figures : null;
  return (
    <dl class="figures" data-testid="figures">
      <Figure name="State" value={stateName(status)} />
      <Figure name="Captured" value={now ? `${formatFps(now.capturedFps)} fps` : "–"} />
      <Figure name="Asked" value={targetFps > 0 ? `${formatFps(targetFps)} fps` : "every frame"} />
      {floorFps > 0 && <Figure name="Promised" value={now ? `${formatFps(status.promisedFps)} fps` : "–"} />}
      <Figure name="Analysed" value={now ? `${formatFps(now.inferredFps)} fps` : "–"} />
      <Figure name="Latency p50" value={now?.latencyMs ? formatMs(now.latencyMs.p50) : "–"} />
      <Figure name="Latency p95" value={now?.latencyMs ? formatMs(now.latencyMs.p95) : "–"} />
      <Figure name="Lost" value={now ? formatShare(now.lostShare) : "–"} />
      <Figure name="Objects" value={now ? String(now.tracks) : "–"} />
    </dl>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
