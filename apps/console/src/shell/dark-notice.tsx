import type { HttpCameraStatus } from "@sightline/contracts";
import { title } from "../words/names.ts";
import { formatTime } from "../words/times.ts";

const waiting = {
  pending: "Waiting for an ingest process to take the camera",
  connecting: "Connecting",
  live: "",
  down: "Down",
} as const;

/** In place of a picture: why there is none, and since when. */
export function DarkNotice({ status }: { status: HttpCameraStatus }) {
  const { state, reason, message, lastFrameTime } = status;
  return (
    <div class="dark-notice" data-testid="dark-notice">
      <p class="dark-reason">{reason === "" ? waiting[state] : title(reason)}</p>
      {message !== "" && <p class="dark-message">{message}</p>}
      {lastFrameTime && <p class="dark-since">Last picture {formatTime(lastFrameTime)}</p>}
    </div>
  );
}
