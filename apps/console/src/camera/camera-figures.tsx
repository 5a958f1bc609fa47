import type { CameraState } from "../state/cameras.ts";
import { figures } from "../state/recent-samples.ts";
import { stateName } from "../words/names.ts";
import { formatFps, formatMs, formatShare } from "../words/numbers.ts";

/** The few numbers that say how a camera does. */
export function CameraFigures({ state }: { state: CameraState }) {
  const { status } = state.camera.value;
  const now = status.state === "live" ? figures(state.samples.value) : undefined;
  return (
    <dl class="figures" data-testid="figures">
      <Figure name="State" value={stateName(status)} />
      <Figure name="Analysed" value={now ? `${formatFps(now.inferredFps)} fps` : "–"} />
      <Figure name="Latency p95" value={now?.latency ? formatMs(now.latency.p95) : "–"} />
      <Figure name="Lost" value={now ? formatShare(now.dropRate) : "–"} />
      <Figure name="Captured" value={now ? `${formatFps(now.capturedFps)} fps` : "–"} />
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
