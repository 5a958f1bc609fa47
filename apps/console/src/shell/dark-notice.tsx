import type { HttpCamera } from "@sightline/contracts";
import { reasonName, sentence, title } from "../words/names.ts";
import { formatTime } from "../words/times.ts";

const waiting = {
  pending: "Waiting for an ingest process to take the camera",
  connecting: "Connecting",
  live: "",
  down: "Down",
} as const;

/** Whether there is no picture to be had of a camera: it gives none, or no worker looks at it. */
export function isDark({ state, reason }: HttpCamera["status"]): boolean {
  return state !== "live" || reason === "model_not_served";
}

/** In place of a picture: why there is none, what to do, and since when. */
export function DarkNotice({ camera }: { camera: HttpCamera }) {
  const { state, reason, message, lastFrameTime } = camera.status;
  const advice = camera.findings.find((finding) => finding.level !== "ok")?.fix || sentence(message);
  return (
    <div class="dark-notice" data-testid="dark-notice">
      <p class="dark-reason">{reason === "" ? waiting[state] : title(reasonName(reason))}</p>
      {advice !== "" && <p class="dark-message">{advice}</p>}
      {state !== "live" && lastFrameTime && (
        <p class="dark-since">Last picture {formatTime(lastFrameTime)}</p>
      )}
    </div>
  );
}
