import type { HttpCamera } from "@sightline/contracts";
import type { ComponentChildren } from "preact";
import { reasonName, sentence, title } from "../words/names.ts";
import { formatTime } from "../words/numbers-and-times.ts";

const waiting = {
  pending: "Waiting for an ingest process to take the camera",
  connecting: "Connecting",
  live: "",
  down: "Down",
} as const;

/** Whether no picture of a camera is available: it sends none, or no worker analyses it. */
export function isDark({ state, reason }: HttpCamera["status"]): boolean {
  return state !== "live" || reason === "model_not_served";
}

/** Shown in place of a picture: why there is none, what to do, and since when. */
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

/** Says that a model is meant for the demonstration, with a link to others. */
export function ModelNotice({ model }: { model: string }) {
  const scope = modelScope(model);
  if (scope === "") return null;
  return (
    <p class="model-notice" data-testid="model-notice">
      {scope} For your own, bring or train a model: <code>docs/model.md</code> in the repository says how.
    </p>
  );
}

/** An error message, announced at once; nothing while `text` is empty. */
export function Fault({ text, children }: { text: string; children?: ComponentChildren }) {
  if (text === "") return null;
  return (
    <p class="fault" role="alert">
      {text} {children}
    </p>
  );
}

/** The bundled models and their purpose. */
const scopes: Readonly<Record<string, string>> = {
  "yolo-nas-pedestrians":
    "The model that ships is a demonstration: it finds people only, and only as the one street camera that it was trained on sees them. It is not meant for other cameras.",
};

/** What a model must not be relied on for; empty for a model that did not come with Sightline. */
function modelScope(name: string): string {
  return scopes[name] ?? "";
}
