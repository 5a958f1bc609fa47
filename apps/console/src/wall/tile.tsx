import { useComputed, useSignal } from "@preact/signals";
import type { HttpCamera, HttpFinding } from "@sightline/contracts";
import { LiveCanvas } from "../live/live-canvas.tsx";
import { cameraPath } from "../routing/route.ts";
import { DarkNotice, isDark } from "../shell/notices.tsx";
import type { CameraState } from "../state/cameras.ts";
import { connection } from "../state/live.ts";
import { stateName } from "../words/names.ts";
import { formatFps, formatMs, formatShare } from "../words/numbers-and-times.ts";

/** A camera on the wall: its live picture, its state, and the reason if something is wrong. */
export function Tile({ state }: { state: CameraState }) {
  const known = useComputed(() => connection.value !== "lost");
  const look = useComputed(() => (known.value ? lookOf(state.camera.value) : "info"));
  const { status, findings } = state.camera.value;
  const dark = isDark(status);
  const trouble = dark ? undefined : findings.find((finding) => finding.level !== "ok");
  return (
    <li
      class={`tile ${look.value} ${status.sourceHeight > status.sourceWidth ? "portrait" : ""}`}
      data-testid={`tile-${state.id}`}
      data-state={status.state}
    >
      <div class="tile-picture">
        <LiveCanvas state={state} label={`Live picture of camera ${state.id}`} />
        {dark && <DarkNotice camera={state.camera.value} />}
      </div>
      <div class="tile-foot">
        <h2 class="tile-name">
          <a href={cameraPath(state.id)}>{state.id}</a>
        </h2>
        <span class={`state ${look.value}`}>{known.value ? stateName(status) : "not known"}</span>
        <TileFigures state={state} look={look.value} />
      </div>
      <Trouble trouble={known.value ? trouble : undefined} />
    </li>
  );
}

/** The problem, in one line; complete, with what to do, when it is pressed. */
function Trouble({ trouble }: { trouble: HttpFinding | undefined }) {
  const open = useSignal(false);
  // Always present, so that pictures do not move when a message comes or goes.
  if (!trouble) return <p class="tile-trouble" />;
  return (
    <button
      type="button"
      class="tile-trouble"
      aria-expanded={open.value}
      onClick={() => (open.value = !open.peek())}
    >
      {trouble.text}
      {open.value && ` ${trouble.fix}`}
    </button>
  );
}

/** How a tile shows a camera: according to its worst finding. */
function lookOf({ status, findings }: HttpCamera): "ok" | "info" | "warning" | "error" {
  if (status.state === "down") return "error";
  if (status.state !== "live") return "info";
  return findings[0]?.level ?? "ok";
}

function TileFigures({ state, look }: { state: CameraState; look: string }) {
  const { status, figures } = state.camera.value;
  const now = status.state === "live" ? figures : null;
  return (
    <dl class="tile-figures">
      <div title="Frames analysed per second">
        <dt>fps</dt>
        <dd>{now ? formatFps(now.inferredFps) : "–"}</dd>
      </div>
      <div title="From capture to delivery; 95 of 100 frames are faster">
        <dt>p95</dt>
        <dd>{now?.latencyMs ? formatMs(now.latencyMs.p95) : "–"}</dd>
      </div>
      <div title="Frames that should have been analysed and were not">
        <dt>lost</dt>
        <dd class={now && look !== "ok" && now.lostShare >= 0.05 ? "bad" : ""}>
          {now ? formatShare(now.lostShare) : "–"}
        </dd>
      </div>
    </dl>
  );
}
