import type { HttpCamera, HttpFinding } from "@sightline/contracts";

/** Less than this share of a floor is not held; what is measured is not exact. */
const share = 0.98;

/** Whether the camera's floor cannot be held any more. */
export function* findFloor({
  floorFps,
  model,
  status,
}: Pick<HttpCamera, "floorFps" | "model" | "status">): Generator<HttpFinding> {
  if (status.state !== "live" || status.promisedFps >= share * floorFps) return;
  yield {
    level: "warning",
    text: `Of its floor of ${floorFps} frames/s ${status.promisedFps.toFixed(1)} can be held: the workers of model '${model}' run fewer frames than were promised.`,
    fix: "Start the worker that is missing, or another; or lower floors. Give this camera a higher priority if its floor is to be held before others.",
  };
}
