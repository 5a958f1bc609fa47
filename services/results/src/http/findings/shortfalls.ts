import {
  CameraReason,
  CameraState,
  type CameraStatus,
  type HttpCamera,
  type HttpFinding,
} from "@sightline/contracts";

/** Inference takes time, and so does a worker's return; after this many seconds something is wrong. */
const patienceSeconds = 10;
const fix =
  "Look at the reasons why its frames are dropped, then at the workers of its model, NATS and its disk: 'sightline doctor' and /readyz of each service say what is missing.";

type Status = Pick<CameraStatus, "state" | "reason" | "unanalysedSeconds">;

/** Whether a live camera's frames are not analysed although its model is served, for any reason. */
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

/** The same for the system: `names` are the affected cameras. */
export function* findUnanalysedCameras(names: readonly string[]): Generator<HttpFinding> {
  if (names.length === 0) return;
  const [first, ...others] = names;
  const who =
    others.length === 0 ? `camera ${first} arrive` : `${names.length} cameras arrive (${first} is one)`;
  yield { level: "error", text: `Frames of ${who}, but none is analysed.`, fix };
}

/** A floor with less than this share is not held; measurements are not exact. */
const heldShare = 0.98;

/** A finding if the camera's floor cannot be held any more. */
export function* findFloor({
  floorFps,
  model,
  status,
}: Pick<HttpCamera, "floorFps" | "model" | "status">): Generator<HttpFinding> {
  if (status.state !== "live" || status.promisedFps >= heldShare * floorFps) return;
  yield {
    level: "warning",
    text: `Of its floor of ${floorFps} frames/s ${status.promisedFps.toFixed(1)} can be held: the workers of model '${model}' run fewer frames than were promised.`,
    fix: "Start the worker that is missing, or another; or lower floors. Give this camera a higher priority if its floor is to be held before others.",
  };
}

/** A finding if the stream to record, other than the analysed one, is not available. */
export function* findRecordStream({ status }: Pick<HttpCamera, "status">): Generator<HttpFinding> {
  const stream = status.recording?.stream;
  if (stream?.state !== "down") return;
  yield {
    level: "warning",
    text: `Nothing is recorded, since the recorded stream gives no video: ${stream.message}.`,
    fix: "The analysis goes on, and the stream is connected again by itself. Check its address in the camera's settings, and that the camera gives two streams at a time.",
  };
}
