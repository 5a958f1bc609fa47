import { CameraReason, CameraState, type CameraStatus, type HttpFinding } from "@sightline/contracts";

/** Inference takes its time, and so does a worker's return; from so many seconds on something is the matter. */
const patienceSeconds = 10;
const fix =
  "Look at the reasons why its frames are dropped, then at the workers of its model, NATS and its disk: 'sightline doctor' and /readyz of each service say what is missing.";

type Status = Pick<CameraStatus, "state" | "reason" | "unanalysedSeconds">;

/** Whether a live camera's frames are not analysed though its model is served, whatever the cause. */
export function isUnanalysed(status: Status | undefined): status is Status {
  return (
    status?.state === CameraState.LIVE &&
    status.reason !== CameraReason.MODEL_NOT_SERVED &&
    status.unanalysedSeconds >= patienceSeconds
  );
}

export function* findUnanalysed(status: Status | undefined): Generator<HttpFinding> {
  if (!isUnanalysed(status)) return;
  const text = `Frames arrive, but none has been analysed for ${status.unanalysedSeconds} s.`;
  yield { level: "error", text, fix };
}

/** The same for the system: `names` are the cameras of which it is so. */
export function* findUnanalysedCameras(names: readonly string[]): Generator<HttpFinding> {
  if (names.length === 0) return;
  const [first, ...others] = names;
  const who =
    others.length === 0 ? `camera ${first} arrive` : `${names.length} cameras arrive (${first} is one)`;
  yield { level: "error", text: `Frames of ${who}, but none is analysed.`, fix };
}
